//! The audit: an event in the transaction of every change, and the change feed's rows beside it.

use countersign_core::Timestamp;
use countersign_core::audit::{AuditEvent, AuditFilter};
use countersign_core::ids::ProjectId;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};

use super::writer::{self, Isolation};
use super::{PostgresStore, all, changes, is_storable};
use crate::rows::AuditRow;
use crate::{Change, Page, Result, Row};

/// An event, and the change that it is about when its kind is given: two parts of one statement.
macro_rules! insert_event {
    ($id:literal, $at:literal, $rest:literal, $kind:literal, $change:literal) => {
        concat!(
            "event AS (
                INSERT INTO audit
                    (id, at, actor_kind, actor_id, action, project_id, object, before, after, request_id, address)
                VALUES (", $id, ", ", $at, ", ", $rest, "))
            INSERT INTO change (at, kind, project_id, client_id)
                SELECT ", $at, ", ", $kind, ", ", $change, " WHERE ", $kind, " IS NOT NULL"
        )
    };
}
pub(super) use insert_event;

const INSERT: &str = concat!(
    "WITH ",
    insert_event!(
        "$1",
        "$2",
        "$3, $4, $5, $6, $7, $8, $9, $10, $11",
        "$12",
        "$13, $14"
    )
);

const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM audit WHERE id = $1)";

pub(super) const PRUNE: &str = "DELETE FROM audit WHERE ordinal IN (
        SELECT ordinal FROM audit WHERE at < $1 ORDER BY at, ordinal LIMIT $2)";

/// A page of events, newest first, walked by the index that `$walk` begins; the other conditions are checked on the way.
macro_rules! select_events {
    ($walk:literal) => {
        concat!(
            "SELECT ordinal, id, at, actor_kind, actor_id, action, project_id, object, before, after, request_id, address
            FROM audit WHERE ",
            $walk,
            " AND ordinal < $1
                AND ($3::text IS NULL OR object = $3)
                AND ($4::text IS NULL OR actor_id = $4)
                AND ($5::text IS NULL OR project_id = $5)
                AND ($6::text IS NULL OR action = $6)
                AND ($7::bigint IS NULL OR at >= $7)
                AND ($8::bigint IS NULL OR at < $8)
            ORDER BY ordinal DESC LIMIT $2"
        )
    };
}

pub(super) const BY_OBJECT: &str = select_events!("object = $3");
pub(super) const BY_ACTOR: &str = select_events!("actor_id = $4");
pub(super) const BY_PROJECT: &str = select_events!("project_id = $5");
pub(super) const BY_NOTHING: &str = select_events!("true");

/// Writes the event of a change and what the change makes old, in the change's own transaction.
pub(super) async fn record(
    connection: &mut PgConnection,
    event: &AuditEvent,
    changed: &[Change],
) -> sqlx::Result<()> {
    let (change, others) = Change::beside_the_event(changed);
    bound(sqlx::query(INSERT), event, change)
        .execute(&mut *connection)
        .await?;
    for change in others {
        changes::insert(connection, event.at.as_millisecond(), change).await?;
    }
    Ok(())
}

/// Binds the 14 values of [`insert_event`] after those that a statement has already.
pub(super) fn bound<'q>(
    query: Query<'q, Postgres, PgArguments>,
    event: &'q AuditEvent,
    change: Option<&'q Change>,
) -> Query<'q, Postgres, PgArguments> {
    query
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
}

pub(super) async fn page(
    store: &PostgresStore,
    filter: &AuditFilter,
    page: Page,
) -> Result<Vec<Row<AuditEvent>>> {
    let mut texts = filter.object.iter().chain(&filter.actor_id);
    if !texts.all(|text| is_storable(text)) {
        return Ok(Vec::new());
    }
    let rows: Vec<AuditRow> = writer::repeat(&store.servers, (filter, page), |connection, (filter, page)| {
        Box::pin(async move {
            let before = if page.after == 0 { i64::MAX } else { page.after };
            Ok(sqlx::query_as(statement_for(filter))
                .bind(before)
                .bind(i64::from(page.limit))
                .bind(&filter.object)
                .bind(&filter.actor_id)
                .bind(filter.project_id.as_ref().map(ProjectId::as_str))
                .bind(filter.action.map(|action| action.to_string()))
                .bind(filter.since.map(Timestamp::as_millisecond))
                .bind(filter.until.map(Timestamp::as_millisecond))
                .fetch_all(connection)
                .await?)
        })
    })
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

pub(super) async fn event_exists(store: &PostgresStore, event_id: &str) -> Result<bool> {
    writer::repeat(&store.servers, event_id.to_owned(), |connection, event_id| {
        Box::pin(async move { Ok(exists(connection, event_id).await?) })
    })
    .await
}

/// The question on a connection lent by its caller.
pub(super) async fn exists(connection: &mut PgConnection, event_id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(EXISTS)
        .bind(event_id)
        .fetch_one(connection)
        .await
}

/// Deletes in several transactions; the event goes with the first, so nothing is ever deleted without it.
pub(super) async fn prune(store: &PostgresStore, before: Timestamp, event: &AuditEvent) -> Result<u64> {
    let old: bool = writer::repeat(&store.servers, before.as_millisecond(), |connection, before| {
        Box::pin(async move {
            let old = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM audit WHERE at < $1)");
            Ok(old.bind(before).fetch_one(connection).await?)
        })
    })
    .await?;
    if !old {
        return Ok(0);
    }
    let intention = (before, event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::ReadCommitted,
        intention,
        |connection, (_, event)| Box::pin(async move { Ok(record(connection, event, &[]).await?) }),
    )
    .await?;
    super::pruning::delete_before(store, PRUNE, before.as_millisecond()).await
}
