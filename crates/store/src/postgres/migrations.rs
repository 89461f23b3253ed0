//! How the schema is brought up to date, by one node at a time.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlSafeStr};

use super::connect::Servers;
use crate::{Result, StoreError};

/// Every migration, in order: version, description, SQL. A test compares the list with the folder.
pub(super) const MIGRATIONS: [(i64, &str, &str); 2] = [
    (
        1,
        "identity",
        include_str!("../../migrations/postgres/0001_identity.sql"),
    ),
    (
        2,
        "import_and_compatibility",
        include_str!("../../migrations/postgres/0002_import_and_compatibility.sql"),
    ),
];

/// Nodes that start together take turns by this row. (An advisory lock would do as well, where there is one.)
const LOCK_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS _migration_lock (ordinal BIGINT PRIMARY KEY CHECK (ordinal = 1));
    INSERT INTO _migration_lock (ordinal) VALUES (1) ON CONFLICT DO NOTHING";
const LOCK: &str = "SELECT ordinal FROM _migration_lock FOR UPDATE";

/// A migration may take long, and so may waiting for another node's.
const PATIENT: &str =
    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0";

const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";

/// Applies the migrations that are missing. What a later program has added stays: a migration only ever adds what the program
/// before it can do without, so that nodes of both run beside each other.
pub(super) async fn migrate(servers: &Servers) -> Result<()> {
    let mut connection = servers.acquire().await?.detach();
    if is_current(&mut connection).await? {
        connection.close().await?;
        return Ok(());
    }
    sqlx::raw_sql(PATIENT).execute(&mut connection).await?;
    make_lock_table(&mut connection).await?;
    let mut lock = Connection::begin(&mut connection).await?;
    sqlx::query(LOCK).execute(&mut *lock).await?;
    // The lock's own transaction would end with the first migration's.
    let mut worker = servers.acquire().await?.detach();
    sqlx::raw_sql(PATIENT).execute(&mut worker).await?;
    migrator()
        .run_direct(None, &mut worker, false)
        .await
        .map_err(refused)?;
    worker.close().await?;
    lock.commit().await?;
    connection.close().await?;
    Ok(())
}

async fn is_current(connection: &mut PgConnection) -> Result<bool> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(false);
    }
    let applied: Vec<i64> = sqlx::query_scalar(APPLIED).fetch_all(connection).await?;
    Ok(MIGRATIONS.iter().all(|(version, ..)| applied.contains(version)))
}

/// Two nodes that make the table at the same moment contradict each other; then it is there.
async fn make_lock_table(connection: &mut PgConnection) -> Result<()> {
    let made = sqlx::raw_sql(LOCK_TABLE).execute(&mut *connection).await;
    match made {
        Err(sqlx::Error::Database(_)) => {
            sqlx::raw_sql(LOCK_TABLE).execute(connection).await?;
        }
        other => {
            other?;
        }
    }
    Ok(())
}

fn refused(error: sqlx::migrate::MigrateError) -> StoreError {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => match StoreError::from(error) {
            outage @ StoreError::Unavailable(_) => outage,
            other => StoreError::Migration(other.to_string()),
        },
        other => StoreError::Migration(other.to_string()),
    }
}

fn migrator() -> Migrator {
    let migration = |(version, description, sql): (i64, &'static str, &'static str)| {
        Migration::new(
            version,
            description.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    let mut migrator = Migrator::with_migrations(MIGRATIONS.into_iter().map(migration).collect());
    migrator.set_locking(false).set_ignore_missing(true);
    migrator
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn files(engine: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(engine);
        let files = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<_> = files.collect();
        files.sort();
        files
    }

    #[test]
    fn every_file_is_listed_and_has_a_twin_for_sqlite() {
        let listed: Vec<_> = MIGRATIONS
            .iter()
            .map(|(version, description, _)| format!("{version:04}_{description}.sql"))
            .collect();
        assert_eq!(files("postgres"), listed);
        assert_eq!(files("sqlite"), listed);
    }
}
