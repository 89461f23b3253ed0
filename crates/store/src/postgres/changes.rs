//! The change feed. A reader's position is the snapshot in which it last looked, so it is told exactly what has become
//! visible since: neither a transaction that commits late nor one that stays open for long hides anything.

use std::collections::HashSet;

use countersign_core::Timestamp;
use sqlx::PgConnection;

use super::{PostgresStore, pruning, writer};
use crate::rows::{ChangeRow, FeedRow};
use crate::{Change, ChangePosition, Changes, Result, StoreError};

/// Most changes told one by one. A reader that is further behind is quicker to forget everything.
const TOLD_AT_ONCE: i64 = 10_000;

const INSERT: &str = "INSERT INTO change (at, kind, project_id, client_id) VALUES ($1, $2, $3, $4)";

/// The schema before has neither providers nor the column for them.
const INSERT_OF_PROVIDER: &str =
    "INSERT INTO change (at, kind, project_id, provider) VALUES ($1, $2, $3, $4)";

/// Where the feed ends, whether it reaches back to the snapshot `$1`, and what is visible now and was not then: in one
/// statement, so that all of it is of one snapshot. Without `$1` there is nothing to tell.
///
/// The provider is asked for in a way that also answers, with nothing, where the schema has no such column yet.
///
/// While every number below the lowest one left was finished in the reader's snapshot, it has missed nothing that is gone.
pub(super) const AFTER: &str = "SELECT here.snapshot, here.server, here.at, here.reaches_back, c.ordinal, c.kind, c.project_id, c.client_id,
        c.provider
    FROM (SELECT pg_current_snapshot()::text AS snapshot, pg_postmaster_start_time()::text AS server,
        floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at,
        (SELECT transaction FROM change ORDER BY transaction LIMIT 1) <= pg_snapshot_xmin($1::pg_snapshot)
            AND pg_snapshot_xmax($1::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot()) AS reaches_back) here
    LEFT JOIN (SELECT ordinal, kind, project_id, client_id, to_jsonb(change) ->> 'provider' AS provider FROM change
        WHERE transaction >= pg_snapshot_xmin($1::pg_snapshot)
            AND NOT pg_visible_in_snapshot(transaction, $1::pg_snapshot)
        ORDER BY transaction LIMIT $2) c ON true
    ORDER BY c.ordinal";

/// The newest of the old changes stays: the lowest number then says how far the feed reaches back. Only what is older than
/// every open transaction goes, so that no number below it can still appear.
const NEWEST_BEFORE: &str = "SELECT transaction::text FROM change
    WHERE at < $1 AND transaction < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY transaction DESC LIMIT 1";

pub(super) const DELETE: &str = "DELETE FROM change WHERE ordinal IN (
    SELECT ordinal FROM change WHERE transaction < $1::xid8 ORDER BY transaction LIMIT $2)";

/// A restored dump brings numbers from another server, which may lie in the future here: those become changes of now.
const RENUMBER: &str = "UPDATE change SET transaction = pg_current_xact_id()
    WHERE transaction >= pg_snapshot_xmax(pg_current_snapshot())";

pub(super) async fn insert(connection: &mut PgConnection, at: i64, change: &Change) -> sqlx::Result<()> {
    let (sql, within_project) = match change.provider() {
        None => (INSERT, change.client_id()),
        provider => (INSERT_OF_PROVIDER, provider),
    };
    sqlx::query(sql)
        .bind(at)
        .bind(change.kind())
        .bind(change.project_id())
        .bind(within_project)
        .execute(connection)
        .await?;
    Ok(())
}

/// A position as text: the server process, then the snapshot. After a failover or a restore numbers may mean other
/// transactions, so a position counts with the process that gave it alone.
fn position(server: &str, snapshot: &str) -> ChangePosition {
    ChangePosition(format!("{server}|{snapshot}"))
}

pub(super) async fn since(store: &PostgresStore, position: Option<&ChangePosition>) -> Result<Changes> {
    let seen = position.and_then(|position| position.0.split_once('|'));
    let snapshot = seen.map(|(_, snapshot)| snapshot.to_owned());
    let rows: Vec<FeedRow> = writer::look(&store.feed, snapshot, |connection, snapshot| {
        Box::pin(async move {
            Ok(sqlx::query_as(AFTER)
                .bind(snapshot)
                .bind(TOLD_AT_ONCE + 1)
                .fetch_all(connection)
                .await?)
        })
    })
    .await?;
    let here = rows
        .first()
        .ok_or(StoreError::Unsupported("a feed without an end"))?;
    let at = Timestamp::from_millisecond(here.at).ok();
    let end = self::position(&here.server, &here.snapshot);
    let knows_all = match seen {
        None => true,
        Some((server, _)) => {
            server == here.server && here.reaches_back == Some(true) && rows.len() as i64 <= TOLD_AT_ONCE
        }
    };
    Ok(Changes {
        position: end,
        at,
        changed: knows_all.then(|| distinct(rows)).transpose()?,
    })
}

fn distinct(rows: Vec<FeedRow>) -> Result<Vec<Change>> {
    let mut seen = HashSet::new();
    let mut changes = Vec::new();
    for row in rows {
        let Some(kind) = row.kind else { continue };
        let change = Change::try_from(ChangeRow {
            ordinal: row.ordinal.unwrap_or_default(),
            kind,
            project_id: row.project_id,
            client_id: row.client_id,
            provider: row.provider,
        })?;
        if seen.insert(change.clone()) {
            changes.push(change);
        }
    }
    Ok(changes)
}

pub(super) async fn delete(store: &PostgresStore, before: Timestamp) -> Result<u64> {
    let newest: Option<String> =
        writer::repeat(&store.servers, before.as_millisecond(), |connection, before| {
            Box::pin(async move {
                sqlx::query(RENUMBER).execute(&mut *connection).await?;
                let newest = sqlx::query_scalar(NEWEST_BEFORE).bind(before);
                Ok(newest.fetch_optional(connection).await?)
            })
        })
        .await?;
    match newest {
        Some(transaction) => pruning::delete_before(store, DELETE, transaction).await,
        None => Ok(0),
    }
}
