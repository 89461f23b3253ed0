//! Rows of `operator`, each with its projects.

use countersign_core::operator::{Operator, Reach};

use super::{Place, row};
use crate::{Result, Row, StoreError};

row! {
    /// An operator; `projects` is a JSON list in the operator's order.
    OperatorRow {
        ordinal: i64,
        id: String,
        name: String,
        role: String,
        all_projects: bool,
        projects: String,
        key_number: i64,
        key_digest: String,
        key_last_four: String,
        key_created_at: i64,
        created_at: i64,
        last_used_at: Option<i64>,
        revoked_at: Option<i64>,
    }
}

impl TryFrom<OperatorRow> for Operator {
    type Error = StoreError;

    fn try_from(row: OperatorRow) -> Result<Self> {
        let place = Place {
            table: "operator",
            row: &row.id,
        };
        Ok(Self {
            role: place.parse("role", &row.role)?,
            reach: if row.all_projects {
                Reach::All
            } else {
                reach(&row.projects, place)?
            },
            key: place.secret(
                "key_digest",
                row.key_number,
                &row.key_digest,
                row.key_last_four,
                row.key_created_at,
            )?,
            created_at: place.time("created_at", row.created_at)?,
            last_used_at: place.time_some("last_used_at", row.last_used_at)?,
            revoked_at: place.time_some("revoked_at", row.revoked_at)?,
            name: row.name,
            id: row.id,
        })
    }
}

fn reach(projects: &str, place: Place<'_>) -> Result<Reach> {
    let ids: Vec<String> = place.json("projects", projects)?;
    ids.iter()
        .map(|id| place.parse("projects", id))
        .collect::<Result<_>>()
        .map(Reach::Projects)
}

impl TryFrom<OperatorRow> for Row<Operator> {
    type Error = StoreError;

    fn try_from(row: OperatorRow) -> Result<Self> {
        Ok(Self {
            ordinal: row.ordinal,
            value: row.try_into()?,
        })
    }
}
