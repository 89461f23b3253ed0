//! The installation, and everything that rests sealed under its master key.

use countersign_core::audit::AuditEvent;
use countersign_core::credential;
use countersign_core::key_life::StoredKey;
use countersign_core::operator::Operator;
use countersign_core::project::ProjectSecret;
use countersign_core::seal::Sealed;
use sqlx::{Connection, SqliteConnection};

use super::{SqliteStore, all, audit, credentials, keys, operators, projects, stale_unless};
use crate::rows::{PepperRow, SealedRow, installation};
use crate::{Change, Installation, Resealed, Result, SealedValue, StoreError, StoredPepper};

const READ: &str = "SELECT check_sealed, created_at FROM installation";

const PEPPERS: &str = "SELECT id, sealed, created_at FROM pepper ORDER BY ordinal";

const INSERT: &str = "INSERT INTO installation (ordinal, check_sealed, created_at) VALUES (1, ?1, ?2)";

const INSERT_PEPPER: &str = "INSERT INTO pepper (id, sealed, created_at) VALUES (?1, ?2, ?3)";

const SEALED_VALUES: &str =
    "SELECT 'installation' AS kind, 'check' AS id, check_sealed AS sealed FROM installation
    UNION ALL SELECT 'pepper', id, sealed FROM pepper
    UNION ALL SELECT 'signing_key', kid, sealed FROM signing_key";

const COUNT_SEALED: &str = "SELECT (SELECT count(*) FROM installation) + (SELECT count(*) FROM pepper) + (SELECT count(*) FROM signing_key)";

/// Nothing matches these digests any more: the peppers they were made with are gone. The version grows, so that no
/// change that was decided before puts an old one back.
const ABANDON_CLIENTS: &str = "UPDATE client SET version = version + 1,
        secret_digest = iif(secret_digest LIKE 'hmac-sha256$%', ?1, secret_digest),
        next_secret_digest = iif(next_secret_digest LIKE 'hmac-sha256$%', ?1, next_secret_digest)
    WHERE secret_digest LIKE 'hmac-sha256$%' OR next_secret_digest LIKE 'hmac-sha256$%'";

pub(super) async fn read(store: &SqliteStore) -> Result<Option<Installation>> {
    let mut connection = store.readers.acquire().await?;
    let mut snapshot = connection.begin().await?;
    let row: Option<(String, i64)> = sqlx::query_as(READ).fetch_optional(&mut *snapshot).await?;
    let Some((check, created_at)) = row else {
        return Ok(None);
    };
    let peppers: Vec<PepperRow> = sqlx::query_as(PEPPERS).fetch_all(&mut *snapshot).await?;
    installation(check, created_at, peppers).map(Some)
}

pub(super) async fn create(
    store: &SqliteStore,
    installation: &Installation,
    event: &AuditEvent,
) -> Result<()> {
    let (installation, event) = (installation.clone(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                sqlx::query(INSERT)
                    .bind(installation.check.as_str())
                    .bind(installation.created_at.as_millisecond())
                    .execute(&mut *connection)
                    .await?;
                insert_peppers(connection, &installation.peppers).await?;
                audit::record(connection, &event, &[Change::Installation]).await
            })
        })
        .await
}

async fn insert_peppers(connection: &mut SqliteConnection, peppers: &[StoredPepper]) -> Result<()> {
    for pepper in peppers {
        sqlx::query(INSERT_PEPPER)
            .bind(pepper.id.as_str())
            .bind(pepper.sealed.as_str())
            .bind(pepper.created_at.as_millisecond())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn sealed_values(store: &SqliteStore) -> Result<Vec<SealedValue>> {
    let mut connection = store.readers.acquire().await?;
    let mut snapshot = connection.begin().await?;
    let rows: Vec<SealedRow> = sqlx::query_as(SEALED_VALUES).fetch_all(&mut *snapshot).await?;
    let mut values = all(rows)?;
    values.extend(credentials::sealed_values(&mut snapshot).await?);
    Ok(values)
}

pub(super) async fn reseal(store: &SqliteStore, resealed: &[Resealed], event: &AuditEvent) -> Result<()> {
    let (resealed, event) = (resealed.to_vec(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                for value in &resealed {
                    replace(connection, &value.old, &value.new).await?;
                }
                let count: i64 = sqlx::query_scalar(COUNT_SEALED)
                    .fetch_one(&mut *connection)
                    .await?;
                let count = count + credentials::count(connection).await?;
                stale_unless(usize::try_from(count) == Ok(resealed.len()))?;
                audit::record(connection, &event, &[Change::Installation]).await
            })
        })
        .await
}

async fn replace(connection: &mut SqliteConnection, old: &SealedValue, new: &Sealed) -> Result<()> {
    let sql = match old.table {
        "installation" => {
            "UPDATE installation SET check_sealed = ?3 WHERE ?1 = 'check' AND check_sealed = ?2"
        }
        "pepper" => "UPDATE pepper SET sealed = ?3 WHERE id = ?1 AND sealed = ?2",
        "signing_key" => "UPDATE signing_key SET sealed = ?3 WHERE kid = ?1 AND sealed = ?2",
        credential::TABLE => "UPDATE credential SET sealed = ?3 WHERE id = ?1 AND sealed = ?2",
        _ => {
            return Err(StoreError::Unsupported(
                "only installation, pepper, signing_key and credential hold sealed values",
            ));
        }
    };
    let replaced = sqlx::query(sql)
        .bind(&old.id)
        .bind(old.sealed.as_str())
        .bind(new.as_str())
        .execute(connection)
        .await?;
    stale_unless(replaced.rows_affected() == 1)
}

pub(super) async fn abandon_master_key(
    store: &SqliteStore,
    installation: &Installation,
    keys: &[StoredKey],
    secrets: &[ProjectSecret],
    operator: &Operator,
    event: &AuditEvent,
) -> Result<()> {
    let (installation, keys, secrets) = (installation.clone(), keys.to_vec(), secrets.to_vec());
    let (operator, event) = (operator.clone(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                close_what_was(connection, &installation, &event).await?;
                let deleted = credentials::delete_all(connection).await?;
                let event = event.telling("deleted_credentials", deleted.into());
                insert_peppers(connection, &installation.peppers).await?;
                for key in &keys {
                    keys::insert_row(connection, key).await?;
                }
                for secret in &secrets {
                    projects::insert_secret_row(connection, secret).await?;
                }
                operators::insert_row(connection, &operator).await?;
                audit::record(connection, &event, &[Change::Installation, Change::Operators]).await
            })
        })
        .await
}

/// Replaces the check value and ends everything that only the lost key could open or check.
async fn close_what_was(
    connection: &mut SqliteConnection,
    new: &Installation,
    event: &AuditEvent,
) -> Result<()> {
    let replaced = sqlx::query("UPDATE installation SET check_sealed = ?1")
        .bind(new.check.as_str())
        .execute(&mut *connection)
        .await?;
    stale_unless(replaced.rows_affected() == 1)?;
    for sql in ["DELETE FROM pepper", "DELETE FROM signing_key"] {
        sqlx::query(sql).execute(&mut *connection).await?;
    }
    for sql in [
        "UPDATE project_secret SET revoked_at = ?1 WHERE revoked_at IS NULL",
        "UPDATE operator SET revoked_at = ?1 WHERE revoked_at IS NULL",
    ] {
        sqlx::query(sql)
            .bind(event.at.as_millisecond())
            .execute(&mut *connection)
            .await?;
    }
    let abandoned = countersign_core::digest::Digest::Abandoned.to_string();
    sqlx::query(ABANDON_CLIENTS)
        .bind(abandoned)
        .execute(&mut *connection)
        .await?;
    Ok(())
}
