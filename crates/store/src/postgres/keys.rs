//! Signing keys.

use std::collections::BTreeSet;

use countersign_core::Timestamp;
use countersign_core::audit::AuditEvent;
use countersign_core::key_life::{Retirement, StoredKey};
use sqlx::{Connection, PgConnection};

use super::writer::{self, Attempted, Isolation};
use super::{PostgresStore, audit, changes, stale_unless};
use crate::{Change, Result};

/// Not when the installation is sealed with another master key than this row, by how its check value begins, `$10`.
const INSERT: &str = "INSERT INTO signing_key
        (kid, project_id, algorithm, announced_at, activate_at, retire_at, drop_at, sealed, certificate)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
    WHERE NOT EXISTS (SELECT 1 FROM installation WHERE substr(check_sealed, 1, length($10)) <> $10)";

pub(super) const OF_PROJECT: &str =
    "SELECT kid, project_id, algorithm, announced_at, activate_at, retire_at, drop_at, sealed,
        certificate
    FROM signing_key WHERE project_id = $1 ORDER BY announced_at, ordinal";

const KIDS: &str = "SELECT kid FROM signing_key WHERE project_id = $1 AND algorithm = $2";

const RETIRE: &str = "UPDATE signing_key SET retire_at = $3, drop_at = $4 WHERE kid = $2 AND project_id = $1";

pub(super) const DELETE_DROPPED: &str = "DELETE FROM signing_key WHERE drop_at < $1 RETURNING project_id";

/// When the last change was; else the time at hand.
const LAST_CHANGE: &str = "SELECT coalesce((SELECT at FROM change ORDER BY ordinal DESC LIMIT 1), $1)";

/// As if alone: the plan rests on keys that it does not change.
pub(super) async fn insert(
    store: &PostgresStore,
    key: &StoredKey,
    retirements: &[Retirement],
    expected_kids: &[String],
    event: &AuditEvent,
) -> Result<()> {
    let expected: BTreeSet<String> = expected_kids.iter().cloned().collect();
    let intention = (key.clone(), retirements.to_vec(), expected, event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::Serializable,
        intention,
        |connection, (key, retirements, expected, event)| {
            Box::pin(async move {
                stale_unless(kids_like(connection, key).await? == *expected)?;
                for retirement in retirements {
                    retire(connection, key, retirement).await?;
                }
                insert_row(connection, key).await?;
                Ok(audit::record(connection, event, &[Change::Project(key.project_id.clone())]).await?)
            })
        },
    )
    .await
}

/// The kids of the key's project and algorithm.
async fn kids_like(connection: &mut PgConnection, key: &StoredKey) -> sqlx::Result<BTreeSet<String>> {
    let kids: Vec<String> = sqlx::query_scalar(KIDS)
        .bind(key.project_id.as_str())
        .bind(key.algorithm.name())
        .fetch_all(connection)
        .await?;
    Ok(kids.into_iter().collect())
}

async fn retire(
    connection: &mut PgConnection,
    successor: &StoredKey,
    retirement: &Retirement,
) -> Attempted<()> {
    let retired = sqlx::query(RETIRE)
        .bind(successor.project_id.as_str())
        .bind(&retirement.kid)
        .bind(retirement.retire_at.as_millisecond())
        .bind(retirement.drop_at.as_millisecond())
        .execute(connection)
        .await?;
    Ok(stale_unless(retired.rows_affected() == 1)?)
}

/// Adds a key's row to the transaction of its caller, who is alone with it: so no rotation of the master key slips between
/// the look at the installation and the row, and leaves behind a key that nobody opens any more.
pub(super) async fn insert_row(connection: &mut PgConnection, key: &StoredKey) -> Attempted<()> {
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
    Ok(stale_unless(inserted.rows_affected() == 1)?)
}

/// The keys left the key set long ago, so there is no event; but memory shall let go of the private halves too.
pub(super) async fn delete_dropped(store: &PostgresStore, before: Timestamp) -> Result<u64> {
    writer::repeat(&store.servers, before.as_millisecond(), |connection, before| {
        Box::pin(async move {
            let mut transaction = connection.begin().await?;
            let deleted = sqlx::query_scalar(DELETE_DROPPED).bind(before);
            let projects: Vec<String> = deleted.fetch_all(&mut *transaction).await?;
            // `before` itself lies too far back: the change would be pruned before anybody saw it.
            let last = sqlx::query_scalar(LAST_CHANGE).bind(before);
            let at: i64 = last.fetch_one(&mut *transaction).await?;
            for project in projects.iter().collect::<BTreeSet<_>>() {
                let change = Change::Project(crate::rows::project_id(project)?);
                changes::insert(&mut transaction, at, &change).await?;
            }
            transaction.commit().await?;
            Ok(projects.len() as u64)
        })
    })
    .await
}
