//! Deleting what has had its time, a little in each transaction, so that other writes and the standbys keep up.

use sqlx::postgres::Postgres;
use sqlx::{Encode, Type};

use super::{PostgresStore, writer};
use crate::Result;

/// Rows deleted in one transaction.
pub(super) const DELETED_AT_ONCE: u64 = 2000;

/// Carries out `sql` until it finds nothing more: a deletion of at most `$2` rows that lie before `$1`, oldest first.
pub(super) async fn delete_before<B>(store: &PostgresStore, sql: &'static str, before: B) -> Result<u64>
where
    B: for<'q> Encode<'q, Postgres> + Type<Postgres> + Clone + Send + Sync + 'static,
{
    let mut deleted = 0;
    loop {
        let last = writer::repeat(
            &store.servers,
            (sql, before.clone()),
            |connection, (sql, before)| {
                Box::pin(async move {
                    let delete = sqlx::query(*sql)
                        .bind(before.clone())
                        .bind(DELETED_AT_ONCE as i64);
                    Ok(delete.execute(connection).await?.rows_affected())
                })
            },
        )
        .await?;
        deleted += last;
        if last < DELETED_AT_ONCE {
            return Ok(deleted);
        }
    }
}
