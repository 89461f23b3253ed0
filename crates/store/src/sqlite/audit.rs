//! The audit: an event in the transaction of every change, and the change feed's row beside it.

use countersign_core::Timestamp;
use countersign_core::audit::{AuditEvent, AuditFilter};
use countersign_core::ids::ProjectId;
use sqlx::SqliteConnection;

use super::pruning::DELETED_AT_ONCE;
use super::{SqliteStore, all, changes};
use crate::rows::AuditRow;
use crate::{Change, Page, Result, Row};

/// An event, and in the same call the change that it is about, when `?12` names one.
const INSERT: &str = "INSERT INTO audit
        (id, at, actor_kind, actor_id, action, project_id, object, before, after, request_id, address)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);
    INSERT INTO change (at, kind, project_id, client_id) SELECT ?2, ?12, ?13, ?14 WHERE ?12 IS NOT NULL";

const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM audit WHERE id = ?1)";

pub(super) const PRUNE: &str = "DELETE FROM audit WHERE ordinal IN (
        SELECT ordinal FROM audit INDEXED BY audit_by_time WHERE at < ?1 ORDER BY at, ordinal LIMIT ?2)";

/// A page of events, newest first, walked by the index that `$walk` names; the other conditions are checked on the way.
macro_rules! select_events {
    ($walk:literal) => {
        concat!(
            "SELECT ordinal, id, at, actor_kind, actor_id, action, project_id, object, before, after, request_id, address
            FROM audit ",
            $walk,
            " AND ordinal < ?1
                AND (?3 IS NULL OR object = ?3)
                AND (?4 IS NULL OR actor_id = ?4)
                AND (?5 IS NULL OR project_id = ?5)
                AND (?6 IS NULL OR action = ?6)
                AND (?7 IS NULL OR at >= ?7)
                AND (?8 IS NULL OR at < ?8)
            ORDER BY ordinal DESC LIMIT ?2"
        )
    };
}

pub(super) const BY_OBJECT: &str = select_events!("INDEXED BY audit_by_object WHERE object = ?3");
pub(super) const BY_ACTOR: &str = select_events!("INDEXED BY audit_by_actor WHERE actor_id = ?4");
pub(super) const BY_PROJECT: &str = select_events!("INDEXED BY audit_by_project WHERE project_id = ?5");
pub(super) const BY_NOTHING: &str = select_events!("NOT INDEXED WHERE true");

/// Writes the event of a change and what the change makes old, in the change's own transaction.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    event: &AuditEvent,
    changed: &[Change],
) -> Result<()> {
    let (change, others) = Change::beside_the_event(changed);
    sqlx::query(INSERT)
        .bind(&event.id)
        .bind(event.at.as_millisecond())
        .bind(event.actor.kind.to_string())
        .bind(&event.actor.id)
        .bind(event.action.to_string())
        .bind(event.project_id.as_ref().map(ProjectId::as_str))
        .bind(&event.object)
        .bind(event.before.as_ref().map(ToString::to_string))
        .bind(event.after.as_ref().map(ToString::to_string))
        .bind(&event.request_id)
        .bind(&event.address)
        .bind(change.map(Change::kind))
        .bind(change.and_then(Change::project_id))
        .bind(change.and_then(Change::client_id))
        .execute(&mut *connection)
        .await?;
    for change in others {
        changes::insert(connection, event.at.as_millisecond(), change).await?;
    }
    Ok(())
}

pub(super) async fn page(
    store: &SqliteStore,
    filter: &AuditFilter,
    page: Page,
) -> Result<Vec<Row<AuditEvent>>> {
    let before = if page.after == 0 { i64::MAX } else { page.after };
    let rows: Vec<AuditRow> = sqlx::query_as(statement_for(filter))
        .bind(before)
        .bind(page.limit)
        .bind(&filter.object)
        .bind(&filter.actor_id)
        .bind(filter.project_id.as_ref().map(ProjectId::as_str))
        .bind(filter.action.map(|action| action.to_string()))
        .bind(filter.since.map(Timestamp::as_millisecond))
        .bind(filter.until.map(Timestamp::as_millisecond))
        .fetch_all(&store.readers)
        .await?;
    all(rows)
}

/// The walk that meets the fewest events: an object has a handful, an actor many, a project most.
fn statement_for(filter: &AuditFilter) -> &'static str {
    if filter.object.is_some() {
        BY_OBJECT
    } else if filter.actor_id.is_some() {
        BY_ACTOR
    } else if filter.project_id.is_some() {
        BY_PROJECT
    } else {
        BY_NOTHING
    }
}

pub(super) async fn event_exists(store: &SqliteStore, event_id: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(EXISTS)
        .bind(event_id)
        .fetch_one(&store.readers)
        .await?)
}

/// Deletes in several transactions; the event goes with the first, so nothing is ever deleted without it.
pub(super) async fn prune(store: &SqliteStore, before: Timestamp, event: &AuditEvent) -> Result<u64> {
    let mut pruned = prune_some(store, before, Some(event)).await?;
    let mut last = pruned;
    while last == DELETED_AT_ONCE {
        last = prune_some(store, before, None).await?;
        pruned += last;
    }
    Ok(pruned)
}

async fn prune_some(store: &SqliteStore, before: Timestamp, event: Option<&AuditEvent>) -> Result<u64> {
    let event = event.cloned();
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                let deleted = sqlx::query(PRUNE)
                    .bind(before.as_millisecond())
                    .bind(DELETED_AT_ONCE as i64)
                    .execute(&mut *connection)
                    .await?
                    .rows_affected();
                if let Some(event) = event.filter(|_| deleted > 0) {
                    record(connection, &event, &[]).await?;
                }
                Ok(deleted)
            })
        })
        .await
}
