//! Rows of `client`, each with its scopes.

use countersign_core::client::Client;
use countersign_core::metadata::Metadata;
use countersign_core::scope::Scopes;
use countersign_core::secret::StoredSecret;

use super::{Place, row};
use crate::{Result, Row, StoreError};

row! {
    /// A client; `scopes` is a JSON list in the client's order.
    ClientRow {
        ordinal: i64,
        project_id: String,
        client_id: String,
        version: i64,
        name: String,
        description: String,
        status: String,
        scopes: String,
        metadata: String,
        token_profile: Option<String>,
        secret_number: i64,
        secret_digest: String,
        secret_last_four: String,
        secret_created_at: i64,
        next_secret_number: Option<i64>,
        next_secret_digest: Option<String>,
        next_secret_last_four: Option<String>,
        next_secret_created_at: Option<i64>,
        created_at: i64,
        updated_at: i64,
    }
}

impl TryFrom<ClientRow> for Client {
    type Error = StoreError;

    fn try_from(mut row: ClientRow) -> Result<Self> {
        let client_id = std::mem::take(&mut row.client_id);
        let place = Place {
            table: "client",
            row: &client_id,
        };
        let scopes: Vec<String> = place.json("scopes", &row.scopes)?;
        let next_secret = next_secret(&mut row, place)?;
        Ok(Self {
            project_id: place.parse("project_id", &row.project_id)?,
            client_id: place.parse("client_id", &client_id)?,
            version: row.version,
            name: row.name,
            description: row.description,
            status: place.parse("status", &row.status)?,
            scopes: Scopes::parse(scopes).map_err(|_| place.inconsistent("scopes"))?,
            metadata: Metadata::from_stored(place.json("metadata", &row.metadata)?),
            secret: place.secret(
                "secret_digest",
                row.secret_number,
                &row.secret_digest,
                row.secret_last_four,
                row.secret_created_at,
            )?,
            next_secret,
            token_profile: place.parse_some("token_profile", row.token_profile.as_deref())?,
            created_at: place.time("created_at", row.created_at)?,
            updated_at: place.time("updated_at", row.updated_at)?,
        })
    }
}

/// The next secret: all four columns, or none of them.
fn next_secret(row: &mut ClientRow, place: Place<'_>) -> Result<Option<StoredSecret>> {
    let columns = (
        row.next_secret_number,
        row.next_secret_digest.take(),
        row.next_secret_last_four.take(),
        row.next_secret_created_at,
    );
    match columns {
        (None, None, None, None) => Ok(None),
        (Some(number), Some(digest), Some(last_four), Some(created_at)) => place
            .secret("next_secret_digest", number, &digest, last_four, created_at)
            .map(Some),
        _ => Err(place.inconsistent("next_secret_number")),
    }
}

impl TryFrom<ClientRow> for Row<Client> {
    type Error = StoreError;

    fn try_from(row: ClientRow) -> Result<Self> {
        Ok(Self {
            ordinal: row.ordinal,
            value: row.try_into()?,
        })
    }
}
