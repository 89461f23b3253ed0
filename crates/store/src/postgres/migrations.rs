//! How the schema is brought up to date, by one node at a time.

use sqlx::{Connection, PgConnection};

use super::connect::Servers;
use crate::Result;
use crate::schema::{Found, Migrated, Migration, Schema, migrator};

/// Every migration, in order: version, description, SQL. A test compares the list with the folder.
pub(super) const MIGRATIONS: [Migration; 3] = [
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
    (
        3,
        "providers",
        include_str!("../../migrations/postgres/0003_providers.sql"),
    ),
];

/// Nodes that start together take turns by this row. (An advisory lock would do as well, where there is one.)
const LOCK_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS _migration_lock (ordinal BIGINT PRIMARY KEY CHECK (ordinal = 1));
    INSERT INTO _migration_lock (ordinal) VALUES (1) ON CONFLICT DO NOTHING";
const LOCK: &str = "SELECT ordinal FROM _migration_lock FOR UPDATE";

/// A migration may take long, and so may waiting for another node's. That a table is there already is no news.
const PATIENT: &str =
    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;
    SET client_min_messages = warning";

const IS_THERE: &str = "SELECT to_regclass($1) IS NOT NULL";
const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
const OLDEST_PROGRAM: &str = "SELECT oldest_program FROM compatibility";

/// Applies the migrations that are missing. What a later program has added stays: nodes of both run beside each other, as long as
/// the schema admits both.
pub(super) async fn migrate(servers: &Servers, known: &[Migration]) -> Result<Migrated> {
    let mut connection = servers.acquire().await?.detach();
    let before = schema(&mut connection, known).await?;
    before.admit_program()?;
    if before.missing.is_empty() {
        connection.close().await?;
        return Ok(Migrated {
            from: before.version,
            to: before.version,
        });
    }
    sqlx::raw_sql(PATIENT).execute(&mut connection).await?;
    make_lock_table(&mut connection).await?;
    let mut lock = Connection::begin(&mut connection).await?;
    sqlx::query(LOCK).execute(&mut *lock).await?;
    // The lock's own transaction would end with the first migration's.
    let mut worker = servers.acquire().await?.detach();
    let migrated = migrate_alone(&mut worker, known).await;
    worker.close().await?;
    lock.commit().await?;
    connection.close().await?;
    migrated
}

/// Holding the lock, so what is found now is what is there.
async fn migrate_alone(connection: &mut PgConnection, known: &[Migration]) -> Result<Migrated> {
    let before = schema(connection, known).await?;
    before.admit_program()?;
    sqlx::raw_sql(PATIENT).execute(&mut *connection).await?;
    let mut migrator = migrator(known);
    migrator.set_locking(false).set_ignore_missing(true);
    migrator.run_direct(None, &mut *connection, false).await?;
    let after = schema(connection, known).await?;
    Ok(Migrated {
        from: before.version,
        to: after.version,
    })
}

/// The schema of a database on these servers.
pub(super) async fn schema_on(servers: &Servers, known: &[Migration]) -> Result<Schema> {
    schema(&mut *servers.acquire().await?, known).await
}

/// The schema that is there.
pub(super) async fn schema(connection: &mut PgConnection, known: &[Migration]) -> Result<Schema> {
    let mut found = Found::default();
    if is_there(connection, "_sqlx_migrations").await? {
        found.applied = sqlx::query_scalar(APPLIED).fetch_all(&mut *connection).await?;
    }
    if is_there(connection, "compatibility").await? {
        found.oldest_program = sqlx::query_scalar(OLDEST_PROGRAM)
            .fetch_optional(connection)
            .await?;
    }
    Ok(Schema::of(&found, known))
}

/// Whether there is a table of this name.
pub(super) async fn is_there(connection: &mut PgConnection, table: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(IS_THERE)
        .bind(table)
        .fetch_one(connection)
        .await
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
