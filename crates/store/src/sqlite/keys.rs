//! Signing keys.

use std::collections::BTreeSet;

use countersign_core::Timestamp;
use countersign_core::audit::AuditEvent;
use countersign_core::key_life::{Retirement, StoredKey};
use sqlx::SqliteConnection;

use super::{SqliteStore, audit, changes, stale_unless};
use crate::{Change, Result};

/// Not when the installation is sealed with another master key than this row, by how its check value begins, `?10`.
const INSERT: &str = "INSERT INTO signing_key
        (kid, project_id, algorithm, announced_at, activate_at, retire_at, drop_at, sealed, certificate)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
    WHERE NOT EXISTS (SELECT 1 FROM installation WHERE substr(check_sealed, 1, length(?10)) <> ?10)";

pub(super) const OF_PROJECT: &str =
    "SELECT kid, project_id, algorithm, announced_at, activate_at, retire_at, drop_at, sealed,
        certificate
    FROM signing_key WHERE project_id = ?1 ORDER BY announced_at, ordinal";

const KIDS: &str = "SELECT kid FROM signing_key WHERE project_id = ?1 AND algorithm = ?2";

const RETIRE: &str = "UPDATE signing_key SET retire_at = ?3, drop_at = ?4 WHERE kid = ?2 AND project_id = ?1";

pub(super) const DELETE_DROPPED: &str = "DELETE FROM signing_key WHERE drop_at < ?1 RETURNING project_id";

/// When the last change was; else the time at hand.
const LAST_CHANGE: &str = "SELECT coalesce((SELECT at FROM change ORDER BY ordinal DESC LIMIT 1), ?1)";

pub(super) async fn insert(
    store: &SqliteStore,
    key: &StoredKey,
    retirements: &[Retirement],
    expected_kids: &[String],
    event: &AuditEvent,
) -> Result<()> {
    let (key, retirements, event) = (key.clone(), retirements.to_vec(), event.clone());
    let expected: BTreeSet<String> = expected_kids.iter().cloned().collect();
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                stale_unless(kids_like(connection, &key).await? == expected)?;
                for retirement in &retirements {
                    retire(connection, &key, retirement).await?;
                }
                insert_row(connection, &key).await?;
                audit::record(connection, &event, &[Change::Project(key.project_id)]).await
            })
        })
        .await
}

/// The kids of the key's project and algorithm.
async fn kids_like(connection: &mut SqliteConnection, key: &StoredKey) -> Result<BTreeSet<String>> {
    let kids: Vec<String> = sqlx::query_scalar(KIDS)
        .bind(key.project_id.as_str())
        .bind(key.algorithm.name())
        .fetch_all(connection)
        .await?;
    Ok(kids.into_iter().collect())
}

async fn retire(
    connection: &mut SqliteConnection,
    successor: &StoredKey,
    retirement: &Retirement,
) -> Result<()> {
    let retired = sqlx::query(RETIRE)
        .bind(successor.project_id.as_str())
        .bind(&retirement.kid)
        .bind(retirement.retire_at.as_millisecond())
        .bind(retirement.drop_at.as_millisecond())
        .execute(connection)
        .await?;
    stale_unless(retired.rows_affected() == 1)
}

/// Adds a key's row to the transaction of its caller.
pub(super) async fn insert_row(connection: &mut SqliteConnection, key: &StoredKey) -> Result<()> {
    let inserted = sqlx::query(INSERT)
        .bind(&key.kid)
        .bind(key.project_id.as_str())
        .bind(key.algorithm.name())
        .bind(key.announced_at.as_millisecond())
        .bind(key.activate_at.as_millisecond())
        .bind(key.retire_at.map(Timestamp::as_millisecond))
        .bind(key.drop_at.map(Timestamp::as_millisecond))
        .bind(key.sealed.as_str())
        .bind(key.certificate.as_deref())
        .bind(key.sealed.beginning())
        .execute(connection)
        .await?;
    stale_unless(inserted.rows_affected() == 1)
}

/// The keys left the key set long ago, so there is no event; but memory shall let go of the private halves too.
pub(super) async fn delete_dropped(store: &SqliteStore, before: Timestamp) -> Result<u64> {
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                let before = before.as_millisecond();
                let projects: Vec<String> = sqlx::query_scalar(DELETE_DROPPED)
                    .bind(before)
                    .fetch_all(&mut *connection)
                    .await?;
                // `before` itself lies too far back: the change would be pruned before anybody saw it.
                let at: i64 = sqlx::query_scalar(LAST_CHANGE)
                    .bind(before)
                    .fetch_one(&mut *connection)
                    .await?;
                for project in projects.iter().collect::<BTreeSet<_>>() {
                    changes::insert(
                        connection,
                        at,
                        &Change::Project(crate::rows::project_id(project)?),
                    )
                    .await?;
                }
                Ok(projects.len() as u64)
            })
        })
        .await
}
