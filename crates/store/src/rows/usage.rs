//! Rows of `usage_secret` and `usage_minute`.

use countersign_core::usage::{MinuteCount, SecretUse};

use super::{Place, row};
use crate::{Result, StoreError};

row! {
    /// The use of a client's secret, with the client it belongs to.
    SecretUseRow {
        project_id: String,
        client_id: String,
        secret_number: i64,
        last_used_at: i64,
        address: String,
        user_agent: String,
        tokens: i64,
    }
}

impl TryFrom<SecretUseRow> for SecretUse {
    type Error = StoreError;

    fn try_from(row: SecretUseRow) -> Result<Self> {
        let place = Place {
            table: "usage_secret",
            row: &row.client_id,
        };
        Ok(Self {
            project_id: place.parse("project_id", &row.project_id)?,
            client_id: place.parse("client_id", &row.client_id)?,
            secret_number: row.secret_number,
            last_used_at: place.time("last_used_at", row.last_used_at)?,
            address: place.parse("address", &row.address)?,
            user_agent: row.user_agent,
            tokens: row.tokens,
        })
    }
}

row! {
    /// The counts of a project in a minute.
    MinuteRow {
        project_id: String,
        minute: i64,
        issued: i64,
        refused: i64,
    }
}

impl TryFrom<MinuteRow> for MinuteCount {
    type Error = StoreError;

    fn try_from(row: MinuteRow) -> Result<Self> {
        let place = Place {
            table: "usage_minute",
            row: &row.minute,
        };
        Ok(Self {
            project_id: place.parse("project_id", &row.project_id)?,
            minute: row.minute,
            issued: row.issued,
            refused: row.refused,
        })
    }
}
