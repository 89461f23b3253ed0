//! The schema, and how it is brought up to date.

use sqlx::SqliteConnection;

use crate::schema::{Found, Migrated, Migration, Schema, migrator};
use crate::{Result, StoreError};

/// Every migration, in order: version, description, SQL. A test compares the list with the folder.
pub(crate) const MIGRATIONS: [Migration; 3] = [
    (
        1,
        "identity",
        include_str!("../../migrations/sqlite/0001_identity.sql"),
    ),
    (
        2,
        "import_and_compatibility",
        include_str!("../../migrations/sqlite/0002_import_and_compatibility.sql"),
    ),
    (
        3,
        "providers",
        include_str!("../../migrations/sqlite/0003_providers.sql"),
    ),
];

const IS_THERE: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
const OLDEST_PROGRAM: &str = "SELECT oldest_program FROM compatibility";

/// Applies the migrations that are missing. A schema of a later program is refused.
pub(super) async fn migrate(connection: &mut SqliteConnection, known: &[Migration]) -> Result<Migrated> {
    let before = admitted(connection, known).await?;
    migrator(known).run(&mut *connection).await?;
    let after = schema(connection, known).await?;
    Ok(Migrated {
        from: before.version,
        to: after.version,
    })
}

/// The schema, if this program may use it. It is alone on its database, so nobody needs a later one to be kept usable for it.
pub(super) async fn admitted(connection: &mut SqliteConnection, known: &[Migration]) -> Result<Schema> {
    let schema = schema(connection, known).await?;
    schema.admit_program()?;
    if schema.version > schema.program {
        return Err(StoreError::ProgramTooOld {
            version: schema.version,
            program: schema.program,
        });
    }
    Ok(schema)
}

/// The schema that is there.
pub(super) async fn schema(connection: &mut SqliteConnection, known: &[Migration]) -> Result<Schema> {
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

async fn is_there(connection: &mut SqliteConnection, table: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(IS_THERE)
        .bind(table)
        .fetch_one(connection)
        .await?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
        let files = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<_> = files.collect();
        files.sort();
        let listed: Vec<_> = MIGRATIONS
            .iter()
            .map(|(version, description, _)| format!("{version:04}_{description}.sql"))
            .collect();
        assert_eq!(files, listed);
    }
}
