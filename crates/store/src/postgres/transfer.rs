//! A whole installation, leaving and arriving.

use std::ops::ControlFlow;

use async_trait::async_trait;
use countersign_core::Timestamp;
use countersign_core::audit::AuditEvent;
use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::migrations::{self, MIGRATIONS, schema};
use super::writer::{self, Isolation};
use super::{PostgresStore, audit, is_storable, stale_unless};
use crate::transfer::{any_row, check_schema, count_rows, runs};
use crate::{Cell, Change, ImportUnderWay, Kind, Record, Result, StoreError, TABLES, Table, Transfer};

/// As of one moment, for as long as it takes: the sessions' limits are made for requests.
const LONG_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

const UNDER_WAY: &str = "SELECT content, written FROM import";

const BEGIN: &str = "INSERT INTO import (ordinal, content, written, started_at) VALUES (1, $1, $2, $3)";

const ADVANCE: &str = "UPDATE import SET written = $3 WHERE content = $1 AND written = $2";

const END: &str = "DELETE FROM import WHERE content = $1 AND written = $2";

/// A database of an earlier program, looked at as it is, has no table of imports.
pub(super) async fn under_way(store: &PostgresStore) -> Result<Option<ImportUnderWay>> {
    let row = writer::repeat(&store.servers, (), |connection, ()| {
        Box::pin(async move {
            if !migrations::is_there(connection, "import").await? {
                return Ok(None);
            }
            Ok(sqlx::query_as(UNDER_WAY).fetch_optional(connection).await?)
        })
    })
    .await?;
    Ok(ImportUnderWay::of_row(row))
}

#[async_trait]
impl Transfer for PostgresStore {
    async fn count_rows(&self) -> Result<u64> {
        let mut connection = self.servers.acquire().await?.detach();
        let mut snapshot = connection.begin_with(LONG_SNAPSHOT).await?;
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(count_rows()))
            .fetch_one(&mut *snapshot)
            .await?;
        snapshot.rollback().await?;
        connection.close().await?;
        Ok(count.unsigned_abs())
    }

    /// On a connection of its own: where it is broken off, rows may still be on their way.
    async fn each_record(&self, take: &mut (dyn FnMut(Record) -> ControlFlow<()> + Send)) -> Result<()> {
        let mut connection = self.servers.acquire().await?.detach();
        let mut snapshot = connection.begin_with(LONG_SNAPSHOT).await?;
        check_schema(schema(&mut snapshot, &MIGRATIONS).await?.version)?;
        for table in TABLES {
            let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(&mut *snapshot);
            while let Some(row) = rows.try_next().await? {
                if take(record(table, &row)?).is_break() {
                    return Ok(());
                }
            }
        }
        snapshot.rollback().await?;
        Ok(connection.close().await?)
    }

    /// An import that is cut off is simply started again and goes on from what was committed, so nothing is repeated here.
    async fn import_records(
        &self,
        from: &ImportUnderWay,
        records: Vec<Record>,
        now: Timestamp,
    ) -> Result<()> {
        let batch = (from.clone(), records, now);
        writer::carry_out_once(&self.servers, batch, |connection, (from, records, now)| {
            Box::pin(async move {
                let after = from.after(records);
                if from.written == 0 {
                    begin(connection, &after, *now).await?;
                } else {
                    advance(connection, from, &after).await?;
                }
                for (table, run) in runs(records) {
                    insert(connection, table, run).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn finish_import(&self, import: &ImportUnderWay, event: &AuditEvent) -> Result<()> {
        let intention = (import.clone(), event.clone());
        writer::carry_out(
            &self.servers,
            &event.id,
            Isolation::ReadCommitted,
            intention,
            |connection, (import, event)| {
                Box::pin(async move {
                    let ended = sqlx::query(END)
                        .bind(&import.content)
                        .bind(import.count())
                        .execute(&mut *connection)
                        .await?;
                    stale_unless(ended.rows_affected() == 1)?;
                    go_on_counting(connection).await?;
                    let changed = [Change::Installation, Change::Operators];
                    Ok(audit::record(connection, event, &changed).await?)
                })
            },
        )
        .await?;
        take_statistics(self).await;
        Ok(())
    }
}

/// Plans rest on statistics, which are still those of an empty database. Without these the server's own housekeeping takes them
/// within a minute or two, so nothing depends on them here.
async fn take_statistics(store: &PostgresStore) {
    for table in TABLES {
        let Ok(mut connection) = store.servers.acquire().await else {
            return;
        };
        let statement = AssertSqlSafe(format!("ANALYZE {}", table.name));
        let _taken = sqlx::query(statement).execute(&mut *connection).await;
    }
}

fn record(table: &'static Table, row: &PgRow) -> Result<Record> {
    let cells = table.columns.iter().enumerate().map(|(at, column)| {
        Ok(match column.kind {
            Kind::Integer => row.try_get::<Option<_>, _>(at)?.map(Cell::Integer),
            Kind::Boolean => row.try_get::<Option<_>, _>(at)?.map(Cell::Boolean),
            Kind::Text | Kind::Sealed { .. } => row.try_get::<Option<_>, _>(at)?.map(Cell::Text),
            Kind::Bytes => row.try_get::<Option<_>, _>(at)?.map(Cell::Bytes),
        }
        .unwrap_or(Cell::Null))
    });
    let cells = cells.collect::<sqlx::Result<Vec<_>>>()?;
    Record::new(table, cells).ok_or_else(|| StoreError::Damaged(format!("a row of {}", table.name)))
}

async fn begin(connection: &mut PgConnection, after: &ImportUnderWay, now: Timestamp) -> Result<()> {
    check_schema(schema(connection, &MIGRATIONS).await?.version)?;
    let holds_something: bool = sqlx::query_scalar(AssertSqlSafe(any_row()))
        .fetch_one(&mut *connection)
        .await?;
    if holds_something {
        return Err(StoreError::Duplicate);
    }
    may_set_sequences(connection).await?;
    sqlx::query(BEGIN)
        .bind(&after.content)
        .bind(after.count())
        .bind(now.as_millisecond())
        .execute(connection)
        .await?;
    Ok(())
}

/// A second import of the same file waits here for the first one's commit, and then finds that it has moved on.
async fn advance(connection: &mut PgConnection, from: &ImportUnderWay, after: &ImportUnderWay) -> Result<()> {
    let advanced = sqlx::query(ADVANCE)
        .bind(&from.content)
        .bind(from.count())
        .bind(after.count())
        .execute(connection)
        .await?;
    stale_unless(advanced.rows_affected() == 1)
}

/// Rows of one table in one statement, column by column.
async fn insert(connection: &mut PgConnection, table: &'static Table, rows: &[Record]) -> Result<()> {
    let mut statement = sqlx::query(AssertSqlSafe(insert_statement(table)));
    for (at, column) in table.columns.iter().enumerate() {
        let cells = rows.iter().filter_map(|row| row.cell(at));
        statement = match column.kind {
            Kind::Integer => statement.bind(cells.map(Cell::integer).collect::<Vec<_>>()),
            Kind::Boolean => statement.bind(cells.map(Cell::boolean).collect::<Vec<_>>()),
            Kind::Bytes => statement.bind(cells.map(Cell::bytes).collect::<Vec<_>>()),
            Kind::Text | Kind::Sealed { .. } => {
                let texts: Vec<_> = cells.map(Cell::text).collect();
                if !texts.iter().flatten().all(|text| is_storable(text)) {
                    return Err(StoreError::Unsupported(
                        "PostgreSQL cannot keep a text with a NUL character, and there is one",
                    ));
                }
                statement.bind(texts)
            }
        };
    }
    statement.execute(connection).await?;
    Ok(())
}

fn insert_statement(table: &Table) -> String {
    let arrays = table.columns.iter().zip(1..).map(|(column, place)| {
        let kind = match column.kind {
            Kind::Integer => "bigint",
            Kind::Boolean => "boolean",
            Kind::Text | Kind::Sealed { .. } => "text",
            Kind::Bytes => "bytea",
        };
        format!("${place}::{kind}[]")
    });
    format!(
        "INSERT INTO {} ({}) SELECT * FROM unnest({})",
        table.name,
        table.column_list(),
        arrays.collect::<Vec<_>>().join(", ")
    )
}

/// The last step of an import needs this right, and a refusal there would come after everything was written.
async fn may_set_sequences(connection: &mut PgConnection) -> Result<()> {
    for table in TABLES.iter().filter(|table| table.key == ["ordinal"]) {
        let name = table.name;
        let statement = format!(
            "SELECT coalesce(has_sequence_privilege(pg_get_serial_sequence('{name}', 'ordinal'), 'UPDATE'), true)"
        );
        let may: bool = sqlx::query_scalar(AssertSqlSafe(statement))
            .fetch_one(&mut *connection)
            .await?;
        if !may {
            return Err(StoreError::Unsupported(
                "an import sets sequences, which this role may not: import with the role that owns the tables",
            ));
        }
    }
    Ok(())
}

/// The next ordinal of each table is one that no row here has. Those of rows that were deleted before the move are not known
/// any more; nothing outside refers to them for longer than a list is paged through.
async fn go_on_counting(connection: &mut PgConnection) -> Result<()> {
    for table in TABLES.iter().filter(|table| table.key == ["ordinal"]) {
        let name = table.name;
        // The installation counts nothing and has no sequence; then this does nothing.
        let statement = format!(
            "SELECT setval(pg_get_serial_sequence('{name}', 'ordinal'), max(ordinal)) FROM {name}
            HAVING max(ordinal) IS NOT NULL"
        );
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
