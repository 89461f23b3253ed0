//! Deleting what has had its time, a little in each transaction: a million rows in one would hold up every other write
//! for seconds and keep the pages they were on in memory.

use super::SqliteStore;
use crate::Result;

/// Rows deleted in one transaction: no longer than a few commits take.
pub(super) const DELETED_AT_ONCE: u64 = 2000;

/// Carries out `sql` until it finds nothing more: a deletion of at most `?2` rows that lie before `?1`, oldest first.
pub(super) async fn delete_before(store: &SqliteStore, sql: &'static str, before: i64) -> Result<u64> {
    let mut deleted = 0;
    loop {
        let last = delete_some(store, sql, before).await?;
        deleted += last;
        if last < DELETED_AT_ONCE {
            return Ok(deleted);
        }
    }
}

async fn delete_some(store: &SqliteStore, sql: &'static str, before: i64) -> Result<u64> {
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                Ok(sqlx::query(sql)
                    .bind(before)
                    .bind(DELETED_AT_ONCE as i64)
                    .execute(connection)
                    .await?
                    .rows_affected())
            })
        })
        .await
}
