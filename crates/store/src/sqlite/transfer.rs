//! A whole installation, leaving and arriving.

use std::ops::ControlFlow;

use async_trait::async_trait;
use countersign_core::Timestamp;
use countersign_core::audit::AuditEvent;
use futures_util::TryStreamExt;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Row, Sqlite, SqliteConnection};

use super::{MIGRATIONS, SqliteStore, audit, backup, connect, migrations, stale_unless};
use crate::transfer::{any_row, check_schema, count_rows, runs};
use crate::{Cell, Change, ImportUnderWay, Kind, Record, Result, StoreError, TABLES, Table, Transfer};

/// Rows in one statement: enough that its overhead is nothing beside them.
const ROWS_AT_ONCE: usize = 128;

const HAS_IMPORTS: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'import')";

const UNDER_WAY: &str = "SELECT content, written FROM import";

const BEGIN: &str = "INSERT INTO import (ordinal, content, written, started_at) VALUES (1, ?1, ?2, ?3)";

const ADVANCE: &str = "UPDATE import SET written = ?3 WHERE content = ?1 AND written = ?2";

const END: &str = "DELETE FROM import WHERE content = ?1 AND written = ?2";

/// A file of an earlier program, opened for reading alone, has no table of imports.
pub(super) async fn under_way(store: &SqliteStore) -> Result<Option<ImportUnderWay>> {
    let knows: bool = sqlx::query_scalar(HAS_IMPORTS).fetch_one(&store.readers).await?;
    if !knows {
        return Ok(None);
    }
    let row = sqlx::query_as(UNDER_WAY).fetch_optional(&store.readers).await?;
    Ok(ImportUnderWay::of_row(row))
}

#[async_trait]
impl Transfer for SqliteStore {
    async fn count_rows(&self) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(count_rows()))
            .fetch_one(&self.readers)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// On a connection of its own, so that no reader has to wait for the end of it.
    async fn each_record(&self, take: &mut (dyn FnMut(Record) -> ControlFlow<()> + Send)) -> Result<()> {
        let mut connection = connect::open(&connect::read_only(&self.file)).await?;
        let mut snapshot = connection.begin().await?;
        check_schema(backup::schema_version(&mut snapshot).await?)?;
        'tables: for table in TABLES {
            let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(&mut *snapshot);
            while let Some(row) = rows.try_next().await? {
                if take(record(table, &row)?).is_break() {
                    break 'tables;
                }
            }
        }
        snapshot.rollback().await?;
        Ok(connection.close().await?)
    }

    async fn import_records(
        &self,
        from: &ImportUnderWay,
        records: Vec<Record>,
        now: Timestamp,
    ) -> Result<()> {
        let from = from.clone();
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    let after = from.after(&records);
                    if from.written == 0 {
                        begin(connection, &after, now).await?;
                    } else {
                        advance(connection, &from, &after).await?;
                    }
                    for (table, run) in runs(&records) {
                        for rows in run.chunks(ROWS_AT_ONCE) {
                            insert(connection, table, rows).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn finish_import(&self, import: &ImportUnderWay, event: &AuditEvent) -> Result<()> {
        let (import, event) = (import.clone(), event.clone());
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    let ended = sqlx::query(END)
                        .bind(&import.content)
                        .bind(import.count())
                        .execute(&mut *connection)
                        .await?;
                    stale_unless(ended.rows_affected() == 1)?;
                    // AUTOINCREMENT goes on from the largest ordinal written here, without being told.
                    audit::record(connection, &event, &[Change::Installation, Change::Operators]).await
                })
            })
            .await
    }
}

fn record(table: &'static Table, row: &SqliteRow) -> Result<Record> {
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

async fn begin(connection: &mut SqliteConnection, after: &ImportUnderWay, now: Timestamp) -> Result<()> {
    let holds_something: bool = sqlx::query_scalar(AssertSqlSafe(any_row()))
        .fetch_one(&mut *connection)
        .await?;
    if holds_something {
        return Err(StoreError::Duplicate);
    }
    check_schema(migrations::schema(connection, &MIGRATIONS).await?.version)?;
    sqlx::query(BEGIN)
        .bind(&after.content)
        .bind(after.count())
        .bind(now.as_millisecond())
        .execute(connection)
        .await?;
    Ok(())
}

async fn advance(
    connection: &mut SqliteConnection,
    from: &ImportUnderWay,
    after: &ImportUnderWay,
) -> Result<()> {
    let advanced = sqlx::query(ADVANCE)
        .bind(&from.content)
        .bind(from.count())
        .bind(after.count())
        .execute(connection)
        .await?;
    stale_unless(advanced.rows_affected() == 1)
}

async fn insert(connection: &mut SqliteConnection, table: &'static Table, rows: &[Record]) -> Result<()> {
    let statement = sqlx::query(AssertSqlSafe(insert_statement(table, rows.len())))
        // The last rows of a table come in a number of their own.
        .persistent(rows.len() == ROWS_AT_ONCE);
    let values = rows.iter().flat_map(Record::values);
    values
        .fold(statement, |statement, (_, cell)| bind(statement, cell))
        .execute(connection)
        .await?;
    Ok(())
}

fn insert_statement(table: &Table, rows: usize) -> String {
    let row = format!("({})", vec!["?"; table.columns.len()].join(", "));
    let values = vec![row.as_str(); rows].join(", ");
    format!(
        "INSERT INTO {} ({}) VALUES {values}",
        table.name,
        table.column_list()
    )
}

fn bind<'q>(
    statement: Query<'q, Sqlite, SqliteArguments>,
    cell: &Cell,
) -> Query<'q, Sqlite, SqliteArguments> {
    match cell {
        Cell::Null => statement.bind(None::<i64>),
        Cell::Integer(number) => statement.bind(*number),
        Cell::Boolean(truth) => statement.bind(*truth),
        Cell::Text(text) => statement.bind(text.clone()),
        Cell::Bytes(bytes) => statement.bind(bytes.clone()),
    }
}
