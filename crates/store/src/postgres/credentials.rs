//! Credentials: sealed values that go in and are replaced, and what is known of them.

use countersign_core::Timestamp;
use countersign_core::audit::AuditEvent;
use countersign_core::credential::StoredCredential;
use sqlx::PgConnection;

use super::writer::{self, Attempted, Isolation};
use super::{PostgresStore, audit, migrations, stale_unless};
use crate::{Change, Result, SealedValue};

/// Not when the installation is sealed with another master key than this row, by how its check value begins, `$14`.
const INSERT: &str =
    "INSERT INTO credential (id, project_id, provider, name, version, kind, hosts, fingerprint, sealed,
        created_at, created_by, updated_at, last_used_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
    WHERE NOT EXISTS (SELECT 1 FROM installation WHERE NOT starts_with(check_sealed, $14))";

/// The use since the value was read is not forgotten: `last_used_at` stays as it is. Not under another master key, as above.
const REPLACE: &str =
    "UPDATE credential SET version = $5, kind = $6, hosts = $7, fingerprint = $8, sealed = $9, updated_at = $10
    WHERE id = $1 AND project_id = $2 AND provider = $3 AND name = $4 AND version = $5 - 1
        AND NOT EXISTS (SELECT 1 FROM installation WHERE NOT starts_with(check_sealed, $11))";

const DELETE: &str = "DELETE FROM credential WHERE id = $1 AND version = $2";

macro_rules! select_credentials {
    ($rest:literal) => {
        concat!(
            "SELECT id, project_id, provider, name, version, kind, hosts, fingerprint, sealed, created_at, created_by,
                updated_at, last_used_at
            FROM credential ",
            $rest
        )
    };
}

pub(super) const OF_PROVIDER: &str =
    select_credentials!("WHERE project_id = $1 AND provider = $2 ORDER BY name");

const EVERY_ONE: &str = select_credentials!("ORDER BY ordinal");

/// As if alone with it: so no rotation of the master key slips between the look at the installation and the row, and leaves
/// behind a value that nobody opens any more.
pub(super) async fn set(
    store: &PostgresStore,
    credential: &StoredCredential,
    event: &AuditEvent,
) -> Result<()> {
    let intention = (credential.clone(), event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::Serializable,
        intention,
        |connection, (credential, event)| {
            Box::pin(async move {
                let set = if credential.version == 1 {
                    insert_row(connection, credential).await?
                } else {
                    replace_row(connection, credential).await?
                };
                stale_unless(set == 1)?;
                Ok(audit::record(connection, event, &[Change::of_credential(credential)]).await?)
            })
        },
    )
    .await
}

async fn insert_row(connection: &mut PgConnection, credential: &StoredCredential) -> sqlx::Result<u64> {
    let inserted = sqlx::query(INSERT)
        .bind(&credential.id)
        .bind(credential.project_id.as_str())
        .bind(&credential.provider)
        .bind(&credential.name)
        .bind(credential.version)
        .bind(&credential.kind)
        .bind(serde_json::json!(credential.hosts).to_string())
        .bind(&credential.fingerprint)
        .bind(credential.sealed.as_str())
        .bind(credential.created_at.as_millisecond())
        .bind(&credential.created_by)
        .bind(credential.updated_at.as_millisecond())
        .bind(credential.last_used_at.map(Timestamp::as_millisecond))
        .bind(credential.sealed.beginning())
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected())
}

async fn replace_row(connection: &mut PgConnection, credential: &StoredCredential) -> sqlx::Result<u64> {
    let replaced = sqlx::query(REPLACE)
        .bind(&credential.id)
        .bind(credential.project_id.as_str())
        .bind(&credential.provider)
        .bind(&credential.name)
        .bind(credential.version)
        .bind(&credential.kind)
        .bind(serde_json::json!(credential.hosts).to_string())
        .bind(&credential.fingerprint)
        .bind(credential.sealed.as_str())
        .bind(credential.updated_at.as_millisecond())
        .bind(credential.sealed.beginning())
        .execute(connection)
        .await?;
    Ok(replaced.rows_affected())
}

pub(super) async fn delete(
    store: &PostgresStore,
    credential: &StoredCredential,
    event: &AuditEvent,
) -> Result<()> {
    let intention = (credential.clone(), event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::ReadCommitted,
        intention,
        |connection, (credential, event)| {
            Box::pin(async move {
                let deleted = sqlx::query(DELETE)
                    .bind(&credential.id)
                    .bind(credential.version)
                    .execute(&mut *connection)
                    .await?;
                stale_unless(deleted.rows_affected() == 1)?;
                Ok(audit::record(connection, event, &[Change::of_credential(credential)]).await?)
            })
        },
    )
    .await
}

/// What is sealed of them, for whoever seals everything anew.
pub(super) async fn sealed_values(connection: &mut PgConnection) -> Attempted<Vec<SealedValue>> {
    if !is_there(connection).await? {
        return Ok(Vec::new());
    }
    let rows: Vec<crate::rows::CredentialRow> = sqlx::query_as(EVERY_ONE).fetch_all(connection).await?;
    rows.into_iter()
        .map(|row| Ok(SealedValue::of_credential(row.try_into()?)))
        .collect()
}

/// How many there are.
pub(super) async fn count(connection: &mut PgConnection) -> sqlx::Result<i64> {
    if !is_there(connection).await? {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT count(*) FROM credential")
        .fetch_one(connection)
        .await
}

/// Deletes all of them, and says how many: nobody opens them any more.
pub(super) async fn delete_all(connection: &mut PgConnection) -> sqlx::Result<u64> {
    if !is_there(connection).await? {
        return Ok(0);
    }
    let deleted = sqlx::query("DELETE FROM credential").execute(connection).await?;
    Ok(deleted.rows_affected())
}

/// A database of the schema before has no such table.
async fn is_there(connection: &mut PgConnection) -> sqlx::Result<bool> {
    migrations::is_there(connection, "credential").await
}
