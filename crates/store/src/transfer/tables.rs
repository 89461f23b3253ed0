//! What an installation consists of, table by table: what an export holds and an import writes.
//!
//! A row comes after those that it refers to. Not listed are `change`, because no reader has a position in a database that
//! was just filled, and what belongs to a database and not to an installation: `import`, `compatibility`, the migrations.

/// A table whose rows are moved.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// All its columns, in the order of the schema.
    pub columns: &'static [Column],
    /// The columns of its primary key: the order in which its rows are moved, the same on every engine.
    pub key: &'static [&'static str],
}

/// A column of a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may hold nothing.
    pub nullable: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
    /// A sealed value.
    Sealed {
        /// By what it is bound to its row.
        bound_by: Binding,
    },
}

/// By what a sealed value is bound to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// The text `check`: there is one such row.
    Check,
    /// The text of this column.
    Column(&'static str),
    /// What [`bound_to`](countersign_core::credential::bound_to) makes of a credential's columns, and its version.
    Credential,
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        nullable: false,
    }
}

const fn integer(name: &'static str) -> Column {
    column(name, Kind::Integer)
}

const fn text(name: &'static str) -> Column {
    column(name, Kind::Text)
}

const fn or_null(column: Column) -> Column {
    Column {
        nullable: true,
        ..column
    }
}

const fn sealed(name: &'static str, bound_by: Binding) -> Column {
    column(name, Kind::Sealed { bound_by })
}

const fn boolean(name: &'static str) -> Column {
    column(name, Kind::Boolean)
}

/// Every table that is moved, in an order that satisfies references.
pub const TABLES: &[Table] = &[
    Table {
        name: "installation",
        columns: &[
            integer("ordinal"),
            sealed("check_sealed", Binding::Check),
            integer("created_at"),
        ],
        key: &["ordinal"],
    },
    Table {
        name: "pepper",
        columns: &[
            integer("ordinal"),
            text("id"),
            sealed("sealed", Binding::Column("id")),
            integer("created_at"),
        ],
        key: &["ordinal"],
    },
    Table {
        name: "project",
        columns: &[
            integer("ordinal"),
            text("id"),
            integer("version"),
            text("name"),
            text("token_profile"),
            text("issuer"),
            integer("created_at"),
            integer("updated_at"),
        ],
        key: &["ordinal"],
    },
    Table {
        name: "project_secret",
        columns: &[
            integer("ordinal"),
            text("id"),
            text("project_id"),
            text("name"),
            integer("number"),
            text("digest"),
            text("last_four"),
            integer("created_at"),
            or_null(integer("last_used_at")),
            or_null(integer("revoked_at")),
        ],
        key: &["ordinal"],
    },
    Table {
        name: "signing_key",
        columns: &[
            integer("ordinal"),
            text("kid"),
            text("project_id"),
            text("algorithm"),
            integer("announced_at"),
            integer("activate_at"),
            or_null(integer("retire_at")),
            or_null(integer("drop_at")),
            sealed("sealed", Binding::Column("kid")),
            or_null(column("certificate", Kind::Bytes)),
        ],
        key: &["ordinal"],
    },
    Table {
        name: "operator",
        columns: &[
            integer("ordinal"),
            text("id"),
            text("name"),
            text("role"),
            boolean("all_projects"),
            integer("key_number"),
            text("key_digest"),
            text("key_last_four"),
            integer("key_created_at"),
            integer("created_at"),
            or_null(integer("last_used_at")),
            or_null(integer("revoked_at")),
        ],
        key: &["ordinal"],
    },
    Table {
        name: "operator_project",
        columns: &[
            integer("operator_ordinal"),
            integer("position"),
            text("project_id"),
        ],
        key: &["operator_ordinal", "position"],
    },
    Table {
        name: "client",
        columns: &[
            integer("ordinal"),
            text("project_id"),
            text("client_id"),
            integer("version"),
            text("name"),
            text("description"),
            text("status"),
            text("metadata"),
            or_null(text("token_profile")),
            integer("secret_number"),
            text("secret_digest"),
            text("secret_last_four"),
            integer("secret_created_at"),
            or_null(integer("next_secret_number")),
            or_null(text("next_secret_digest")),
            or_null(text("next_secret_last_four")),
            or_null(integer("next_secret_created_at")),
            integer("created_at"),
            integer("updated_at"),
        ],
        key: &["ordinal"],
    },
    Table {
        name: "client_scope",
        columns: &[
            integer("client_ordinal"),
            integer("position"),
            text("project_id"),
            text("scope"),
        ],
        key: &["client_ordinal", "position"],
    },
    Table {
        name: "provider",
        columns: &[
            integer("ordinal"),
            text("project_id"),
            text("name"),
            integer("version"),
            text("base_url"),
            text("allowed_cidrs"),
            text("further_hosts"),
            text("limits"),
            boolean("keep_cookies"),
            boolean("path_parameters"),
            text("document_sha256"),
            text("document_media_type"),
            integer("document_bytes"),
            integer("created_at"),
            integer("updated_at"),
        ],
        key: &["ordinal"],
    },
    Table {
        name: "provider_document",
        columns: &[
            integer("provider_ordinal"),
            integer("position"),
            column("part", Kind::Bytes),
        ],
        key: &["provider_ordinal", "position"],
    },
    Table {
        name: "provider_rule",
        columns: &[
            integer("provider_ordinal"),
            integer("position"),
            text("name"),
            text("scope"),
            text("methods"),
            text("paths"),
            text("operations"),
            or_null(text("credential")),
            boolean("websocket"),
        ],
        key: &["provider_ordinal", "position"],
    },
    Table {
        name: "credential",
        columns: &[
            integer("ordinal"),
            text("id"),
            text("project_id"),
            text("provider"),
            text("name"),
            integer("version"),
            text("kind"),
            text("hosts"),
            text("fingerprint"),
            sealed("sealed", Binding::Credential),
            integer("created_at"),
            text("created_by"),
            integer("updated_at"),
            or_null(integer("last_used_at")),
        ],
        key: &["ordinal"],
    },
    Table {
        name: "usage_secret",
        columns: &[
            integer("client_ordinal"),
            integer("secret_number"),
            integer("last_used_at"),
            text("address"),
            text("user_agent"),
            integer("tokens"),
        ],
        key: &["client_ordinal", "secret_number"],
    },
    Table {
        name: "usage_minute",
        columns: &[
            text("project_id"),
            integer("minute"),
            integer("issued"),
            integer("refused"),
        ],
        key: &["project_id", "minute"],
    },
    Table {
        name: "audit",
        columns: &[
            integer("ordinal"),
            text("id"),
            integer("at"),
            text("actor_kind"),
            text("actor_id"),
            text("action"),
            or_null(text("project_id")),
            text("object"),
            or_null(text("before")),
            or_null(text("after")),
            text("request_id"),
            or_null(text("address")),
        ],
        key: &["ordinal"],
    },
];

impl Table {
    /// The table of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// Where in the list it is.
    pub fn place(&self) -> usize {
        TABLES.iter().take_while(|table| table.name != self.name).count()
    }

    /// Where in a row a column is.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// Its columns as SQL has them in a list.
    pub(crate) fn column_list(&self) -> String {
        let quoted = self.columns.iter().map(|column| quoted(column.name));
        quoted.collect::<Vec<_>>().join(", ")
    }

    /// All its rows, in order.
    pub(crate) fn select(&self) -> String {
        let key: Vec<_> = self.key.iter().map(|name| quoted(name)).collect();
        format!(
            "SELECT {} FROM {} ORDER BY {}",
            self.column_list(),
            quoted(self.name),
            key.join(", ")
        )
    }
}

/// Names such as `position` and `before` are words of SQL.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// Whether anything at all is there.
pub(crate) fn any_row() -> String {
    let tables = TABLES
        .iter()
        .map(|table| format!("EXISTS (SELECT 1 FROM {})", quoted(table.name)));
    format!("SELECT {}", tables.collect::<Vec<_>>().join(" OR "))
}

/// How many rows there are in all.
pub(crate) fn count_rows() -> String {
    let tables = TABLES
        .iter()
        .map(|table| format!("(SELECT count(*) FROM {})", quoted(table.name)));
    format!("SELECT {}", tables.collect::<Vec<_>>().join(" + "))
}
