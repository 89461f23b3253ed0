//! The change feed. There is one writer, so ordinals are given in the order of commits and a reader misses nothing.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use countersign_core::Timestamp;
use sqlx::{Connection, SqliteConnection};

use super::{SqliteStore, pruning};
use crate::rows::ChangeRow;
use crate::{Change, ChangePosition, Changes, Result};

/// Most changes told one by one. A reader that is further behind is quicker to forget everything.
const TOLD_AT_ONCE: u32 = 10_000;

const INSERT: &str = "INSERT INTO change (at, kind, project_id, client_id) VALUES (?1, ?2, ?3, ?4)";

/// The schema before has neither providers nor the column for them.
const INSERT_OF_PROVIDER: &str =
    "INSERT INTO change (at, kind, project_id, provider) VALUES (?1, ?2, ?3, ?4)";

const KNOWS_PROVIDERS: &str =
    "SELECT EXISTS (SELECT 1 FROM pragma_table_info('change') WHERE name = 'provider')";

/// How far the feed reaches back, and its end; 0 and 0 while it is empty.
const ENDS: &str =
    "SELECT coalesce((SELECT min(ordinal) FROM change), 0), coalesce((SELECT max(ordinal) FROM change), 0)";

macro_rules! select_changes {
    ($provider:literal) => {
        concat!(
            "SELECT ordinal, kind, project_id, client_id, ",
            $provider,
            " FROM change WHERE ordinal > ?1 ORDER BY ordinal LIMIT ?2"
        )
    };
}

pub(super) const AFTER: &str = select_changes!("provider");
const AFTER_BEFORE_PROVIDERS: &str = select_changes!("NULL AS provider");

const NEWEST_BEFORE: &str = "SELECT ordinal FROM change WHERE at < ?1 ORDER BY ordinal DESC LIMIT 1";

pub(super) const DELETE: &str = "DELETE FROM change WHERE ordinal IN (
    SELECT ordinal FROM change WHERE ordinal < ?1 ORDER BY ordinal LIMIT ?2)";

/// What was last seen of the feed's end. The one process that may write knows without asking that nothing was written
/// since; asking four times a second would hold up the token path for as long as ten tokens take.
#[derive(Default)]
pub(super) struct Feed(Mutex<Option<Seen>>);

struct Seen {
    transactions: u64,
    end: ChangePosition,
}

impl Feed {
    fn has_ended_at(&self, position: &ChangePosition, transactions: u64) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref()
            .is_some_and(|seen| seen.transactions == transactions && seen.end == *position)
    }

    fn ends_at(&self, end: ChangePosition, transactions: u64) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Some(Seen { transactions, end });
    }
}

pub(super) async fn insert(connection: &mut SqliteConnection, at: i64, change: &Change) -> Result<()> {
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

pub(super) async fn since(store: &SqliteStore, position: Option<&ChangePosition>) -> Result<Changes> {
    // Counted before it is read: what is written meanwhile makes the next look read again.
    let Some(transactions) = store.writer.transactions() else {
        return read_since(store, position).await;
    };
    if let Some(position) = position.filter(|position| store.feed.has_ended_at(position, transactions)) {
        return Ok(Changes {
            position: position.clone(),
            changed: Some(Vec::new()),
            at: None,
        });
    }
    let changes = read_since(store, position).await?;
    store.feed.ends_at(changes.position.clone(), transactions);
    Ok(changes)
}

async fn read_since(store: &SqliteStore, position: Option<&ChangePosition>) -> Result<Changes> {
    let mut connection = store.readers.acquire().await?;
    // One snapshot for the rows and for the ends of the feed.
    let mut snapshot = connection.begin().await?;
    let (oldest, newest): (i64, i64) = sqlx::query_as(ENDS).fetch_one(&mut *snapshot).await?;
    let nothing = Changes {
        position: at(newest),
        changed: Some(Vec::new()),
        at: None,
    };
    let Some(position) = position else {
        return Ok(nothing);
    };
    let Some(seen) = position
        .0
        .parse()
        .ok()
        .filter(|seen| (oldest - 1..=newest).contains(seen))
    else {
        // Deleted since, or never there: the database is an older copy.
        return Ok(Changes {
            changed: None,
            ..nothing
        });
    };
    let knows_providers: bool = sqlx::query_scalar(KNOWS_PROVIDERS)
        .fetch_one(&mut *snapshot)
        .await?;
    let after = if knows_providers {
        AFTER
    } else {
        AFTER_BEFORE_PROVIDERS
    };
    let rows: Vec<ChangeRow> = sqlx::query_as(after)
        .bind::<i64>(seen)
        .bind(TOLD_AT_ONCE)
        .fetch_all(&mut *snapshot)
        .await?;
    if rows.last().is_some_and(|row| row.ordinal < newest) {
        return Ok(Changes {
            changed: None,
            ..nothing
        });
    }
    Ok(Changes {
        changed: Some(distinct(rows)?),
        ..nothing
    })
}

fn at(ordinal: i64) -> ChangePosition {
    ChangePosition(ordinal.to_string())
}

/// Each change once, in the order in which it first came.
fn distinct(rows: Vec<ChangeRow>) -> Result<Vec<Change>> {
    let mut seen = HashSet::new();
    let mut changes = Vec::new();
    for row in rows {
        let change = Change::try_from(row)?;
        if seen.insert(change.clone()) {
            changes.push(change);
        }
    }
    Ok(changes)
}

/// The newest of the old changes stays: the lowest ordinal then says how far the feed reaches back.
pub(super) async fn delete(store: &SqliteStore, before: Timestamp) -> Result<u64> {
    let newest: Option<i64> = sqlx::query_scalar(NEWEST_BEFORE)
        .bind(before.as_millisecond())
        .fetch_optional(&store.readers)
        .await?;
    match newest {
        Some(ordinal) => pruning::delete_before(store, DELETE, ordinal).await,
        None => Ok(0),
    }
}
