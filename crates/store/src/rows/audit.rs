//! Rows of `audit` and `change`.

use countersign_core::audit::{Actor, AuditEvent};

use super::{Place, row};
use crate::{Change, Result, Row, StoreError};

row! {
    /// An audit event.
    AuditRow {
        ordinal: i64,
        id: String,
        at: i64,
        actor_kind: String,
        actor_id: String,
        action: String,
        project_id: Option<String>,
        object: String,
        before: Option<String>,
        after: Option<String>,
        request_id: String,
        address: Option<String>,
    }
}

impl TryFrom<AuditRow> for AuditEvent {
    type Error = StoreError;

    fn try_from(row: AuditRow) -> Result<Self> {
        let place = Place {
            table: "audit",
            row: &row.id,
        };
        let value = |column, text: Option<&str>| text.map(|text| place.json(column, text)).transpose();
        Ok(Self {
            at: place.time("at", row.at)?,
            actor: Actor {
                kind: place.parse("actor_kind", &row.actor_kind)?,
                id: row.actor_id,
            },
            action: place.parse("action", &row.action)?,
            project_id: place.parse_some("project_id", row.project_id.as_deref())?,
            before: value("before", row.before.as_deref())?,
            after: value("after", row.after.as_deref())?,
            object: row.object,
            request_id: row.request_id,
            address: row.address,
            id: row.id,
        })
    }
}

impl TryFrom<AuditRow> for Row<AuditEvent> {
    type Error = StoreError;

    fn try_from(row: AuditRow) -> Result<Self> {
        Ok(Self {
            ordinal: row.ordinal,
            value: row.try_into()?,
        })
    }
}

row! {
    /// A change.
    ChangeRow {
        ordinal: i64,
        kind: String,
        project_id: Option<String>,
        client_id: Option<String>,
        provider: Option<String>,
    }
}

row! {
    /// The end of PostgreSQL's feed and one change, if there is any.
    FeedRow {
        snapshot: String,
        server: String,
        at: i64,
        reaches_back: Option<bool>,
        ordinal: Option<i64>,
        kind: Option<String>,
        project_id: Option<String>,
        client_id: Option<String>,
        provider: Option<String>,
    }
}

impl TryFrom<ChangeRow> for Change {
    type Error = StoreError;

    fn try_from(row: ChangeRow) -> Result<Self> {
        let place = Place {
            table: "change",
            row: &row.ordinal,
        };
        match (row.kind.as_str(), row.project_id, row.client_id, row.provider) {
            ("client", Some(project), Some(client), None) => Ok(Self::Client(
                place.parse("project_id", &project)?,
                place.parse("client_id", &client)?,
            )),
            ("project", Some(project), None, None) => Ok(Self::Project(place.parse("project_id", &project)?)),
            ("project", Some(project), None, Some(provider)) => {
                Ok(Self::Provider(place.parse("project_id", &project)?, provider))
            }
            ("operators", None, None, None) => Ok(Self::Operators),
            ("installation", None, None, None) => Ok(Self::Installation),
            _ => Err(place.inconsistent("kind")),
        }
    }
}

/// A change as the columns of its row.
impl Change {
    /// The change that goes in one statement with its event, as the first does unless it is about a provider, and the others.
    pub(crate) fn beside_the_event(changed: &[Self]) -> (Option<&Self>, &[Self]) {
        match changed.split_first() {
            Some((first, others)) if first.provider().is_none() => (Some(first), others),
            _ => (None, changed),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Client(..) => "client",
            // What a program makes of it that knows of no providers does no harm.
            Self::Project(_) | Self::Provider(..) => "project",
            Self::Operators => "operators",
            Self::Installation => "installation",
        }
    }

    pub(crate) fn project_id(&self) -> Option<&str> {
        match self {
            Self::Client(project_id, _) | Self::Project(project_id) | Self::Provider(project_id, _) => {
                Some(project_id.as_str())
            }
            Self::Operators | Self::Installation => None,
        }
    }

    pub(crate) fn client_id(&self) -> Option<&str> {
        match self {
            Self::Client(_, client_id) => Some(client_id.as_str()),
            Self::Project(_) | Self::Provider(..) | Self::Operators | Self::Installation => None,
        }
    }

    pub(crate) fn provider(&self) -> Option<&str> {
        match self {
            Self::Provider(_, name) => Some(name),
            Self::Client(..) | Self::Project(_) | Self::Operators | Self::Installation => None,
        }
    }
}
