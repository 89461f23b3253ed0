//! Programs of two versions on one database: the last migration takes nothing from the program before it, and whoever does not
//! fit the schema is refused.

use std::collections::BTreeSet;

use countersign_cluster::{Cluster, Durability};
use countersign_store::{PostgresOptions, PostgresStore, PostgresUrl, Schema, Store as _, StoreError};

/// What there is, an object a line: its kind, its table, and all of it that a program may notice.
const OBJECTS: &str = "
    SELECT format('column %s.%s %s %s default %s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END, coalesce(pg_get_expr(d.adbin, d.adrelid), 'none'),
        CASE a.attidentity WHEN '' THEN '' ELSE ' identity' END)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        AND c.relname NOT LIKE '\\_%'
    UNION ALL
    SELECT format('constraint %s.%s %s', c.relname, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_%' AND k.contype <> 'n'
    UNION ALL
    SELECT format('index %s.%s %s', tablename, indexname, indexdef)
    FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '\\_%'
    UNION ALL
    SELECT format('trigger %s.%s %s', c.relname, t.tgname, pg_get_triggerdef(t.oid))
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal";

struct Database {
    cluster: Cluster,
    url: String,
}

impl Database {
    fn new() -> Self {
        let cluster = Cluster::start(Durability::Quick, &[]).unwrap();
        let url = cluster.database().unwrap();
        Self { cluster, url }
    }

    fn options(&self) -> PostgresOptions {
        PostgresOptions {
            urls: vec![PostgresUrl::parse(&self.url).unwrap()],
            connections: 2,
        }
    }

    fn sql(&self, sql: &str) -> String {
        let name = self.url.rsplit_once('/').unwrap().1;
        self.cluster.sql(name, sql).unwrap()
    }

    fn objects(&self) -> BTreeSet<String> {
        self.sql(OBJECTS).lines().map(str::to_owned).collect()
    }

    async fn schema(&self) -> Schema {
        PostgresStore::schema(&self.options()).await.unwrap()
    }

    /// As the program before left it.
    async fn on_the_previous_schema() -> Self {
        let database = Self::new();
        let store = PostgresStore::open_as_previous(&database.options()).await;
        store.unwrap().close().await;
        database
    }
}

/// What a program that knows the older schema would stumble over in the newer.
fn stumbling_blocks(older: &BTreeSet<String>, newer: &BTreeSet<String>) -> Vec<String> {
    let table = |object: &str| object.split([' ', '.']).nth(1).unwrap().to_owned();
    let known: BTreeSet<_> = older.iter().map(|object| table(object)).collect();
    let gone = older
        .difference(newer)
        .map(|object| format!("gone or changed: {object}"));
    let added = newer.difference(older).filter(|object| {
        if known.contains(&table(object)) {
            // It fills in no column that it does not know, and minds no rule.
            let needs_a_value = object.contains(" not null default none") && !object.ends_with(" identity");
            let is_rule = ["constraint ", "trigger ", "index "]
                .iter()
                .any(|kind| object.starts_with(kind));
            let is_plain_index = object.starts_with("index ") && !object.contains(" CREATE UNIQUE ");
            needs_a_value || (is_rule && !is_plain_index)
        } else {
            // It deletes no rows of a table that it does not know before it deletes those they refer to.
            object.contains(" REFERENCES ")
                && !["CASCADE", "SET NULL", "SET DEFAULT"]
                    .iter()
                    .any(|action| object.contains(&format!("ON DELETE {action}")))
        }
    });
    gone.chain(added.map(|object| format!("added: {object}")))
        .collect()
}

#[tokio::test]
async fn the_last_migration_takes_nothing_from_the_program_before_it() {
    let database = Database::on_the_previous_schema().await;
    let older = database.objects();
    assert!(!older.is_empty());
    let migrated = PostgresStore::migrate(&database.options()).await.unwrap();
    let schema = database.schema().await;
    assert_eq!(
        (migrated.from, migrated.to),
        (schema.oldest_usable, schema.program)
    );
    // Whoever takes something away raises `oldest_program`, and does so one release after nobody needs it any more.
    if schema.oldest_program <= schema.oldest_usable {
        assert_eq!(
            stumbling_blocks(&older, &database.objects()),
            Vec::<String>::new()
        );
    }
}

#[tokio::test]
async fn what_a_program_would_stumble_over_is_noticed() {
    let database = Database::new();
    PostgresStore::migrate(&database.options()).await.unwrap();
    let older = database.objects();
    for (harmless, sql) in [
        (true, "ALTER TABLE client ADD note TEXT"),
        (true, "ALTER TABLE client ADD rank BIGINT NOT NULL DEFAULT 0"),
        (true, "CREATE INDEX client_by_description ON client (description)"),
        (
            true,
            "CREATE TABLE tag (name TEXT PRIMARY KEY, kid TEXT REFERENCES signing_key (kid) ON DELETE CASCADE)",
        ),
        (false, "ALTER TABLE client ADD colour TEXT NOT NULL"),
        (false, "ALTER TABLE client DROP COLUMN description"),
        (false, "ALTER TABLE client RENAME COLUMN description TO about"),
        (false, "ALTER TABLE client ALTER description TYPE varchar(100)"),
        (false, "ALTER TABLE client ALTER description DROP NOT NULL"),
        (false, "ALTER TABLE client ADD CHECK (name <> '')"),
        (false, "CREATE UNIQUE INDEX client_name ON client (name)"),
        (false, "DROP TABLE usage_minute"),
        (
            false,
            "CREATE TABLE tag (name TEXT PRIMARY KEY, kid TEXT REFERENCES signing_key (kid))",
        ),
    ] {
        // Looked at from within, and taken back.
        let looked = database.sql(&format!("BEGIN; {sql}; {OBJECTS}; ROLLBACK"));
        let newer = looked.lines().map(str::to_owned).collect();
        assert_eq!(stumbling_blocks(&older, &newer).is_empty(), harmless, "{sql}");
    }
    assert_eq!(database.objects(), older);
}

#[tokio::test]
async fn a_schema_that_is_too_old_is_refused_and_left_as_it_is() {
    let database = Database::new();
    let refused = PostgresStore::open_unchanged(&database.options())
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().contains("countersign migrate"), "{refused}");
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(database.sql(tables), "0");
}

#[tokio::test]
async fn a_program_that_the_schema_is_not_for_is_refused() {
    let database = Database::new();
    PostgresStore::migrate(&database.options()).await.unwrap();
    let program = database.schema().await.program;
    // What a later program adds is no reason.
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'later', true, '', 0)";
    database.sql(later);
    PostgresStore::open(&database.options())
        .await
        .unwrap()
        .close()
        .await;
    // What it takes away is.
    database.sql("UPDATE compatibility SET oldest_program = 9999");
    for refused in [
        PostgresStore::open(&database.options()).await,
        PostgresStore::open_unchanged(&database.options()).await,
    ] {
        let error = refused.err().unwrap();
        let StoreError::ProgramTooOld {
            version: 9999,
            program: known,
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!(known, program);
    }
}
