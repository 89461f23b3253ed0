//! Copies of the database: made while it is in use, and read back before anybody relies on them.

use std::path::{Path, PathBuf};

use sqlx::{Connection, SqliteConnection};

use super::migrations::MIGRATIONS;
use super::{SqliteStore, connect};
use crate::{Result, StoreError};

/// What a sound copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupSummary {
    /// Its schema: the number of the last migration applied.
    pub schema_version: i64,
    /// Whether it holds an installation; a copy of a database that never started has none.
    pub has_installation: bool,
    /// Its tables and how many rows each has.
    pub rows: Vec<(String, i64)>,
}

const COUNTS: &str = "SELECT 'installation', count(*) FROM installation
    UNION ALL SELECT 'pepper', count(*) FROM pepper
    UNION ALL SELECT 'project', count(*) FROM project
    UNION ALL SELECT 'project_secret', count(*) FROM project_secret
    UNION ALL SELECT 'signing_key', count(*) FROM signing_key
    UNION ALL SELECT 'client', count(*) FROM client
    UNION ALL SELECT 'client_scope', count(*) FROM client_scope
    UNION ALL SELECT 'operator', count(*) FROM operator
    UNION ALL SELECT 'operator_project', count(*) FROM operator_project
    UNION ALL SELECT 'usage_secret', count(*) FROM usage_secret
    UNION ALL SELECT 'usage_minute', count(*) FROM usage_minute
    UNION ALL SELECT 'audit', count(*) FROM audit
    UNION ALL SELECT 'change', count(*) FROM change";

/// Tables of later schemas; a copy may be of one before.
const COUNTS_SINCE_PROVIDERS: &str = "SELECT 'provider', count(*) FROM provider
    UNION ALL SELECT 'provider_document', count(*) FROM provider_document
    UNION ALL SELECT 'provider_rule', count(*) FROM provider_rule
    UNION ALL SELECT 'credential', count(*) FROM credential";

/// The schema in which there are providers.
const PROVIDERS: i64 = 3;

const SCHEMA_VERSION: &str = "SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success";

/// Writes a consistent copy of `file`. The copy gets its name only when it is whole and on disk, so that no kill
/// leaves half of one under a name that promises more.
pub(super) async fn copy(store: &SqliteStore, copy: &Path) -> Result<()> {
    refuse_existing(copy)?;
    let partial = partial_name(copy);
    let copied = copy_to(&store.file, &partial).await.and_then(|()| {
        refuse_existing(copy)?;
        std::fs::rename(&partial, copy)
            .and_then(|()| sync_folder_of(copy))
            .map_err(|error| cannot_write(copy, &error))
    });
    if copied.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    copied
}

async fn copy_to(file: &Path, partial: &Path) -> Result<()> {
    let name = partial
        .to_str()
        .ok_or(StoreError::Unsupported("the name of a backup must be UTF-8"))?;
    // What an earlier attempt left. SQLite writes into an empty file, so this one's mode of 0600 is the copy's.
    let _ = std::fs::remove_file(partial);
    connect::prepare_file(partial)?;
    let mut connection = connect::open(&connect::read_only(file)).await?;
    // One read transaction, whatever is written meanwhile, and only pages that hold something.
    sqlx::query("VACUUM INTO ?1")
        .bind(name)
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    std::fs::File::open(partial)
        .and_then(|copy| copy.sync_all())
        .map_err(|error| cannot_write(partial, &error))
}

fn refuse_existing(copy: &Path) -> Result<()> {
    match copy.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(StoreError::Unavailable(format!(
            "{} exists already",
            copy.display()
        ))),
        Err(error) => Err(cannot_write(copy, &error)),
    }
}

fn partial_name(copy: &Path) -> PathBuf {
    let mut name = copy.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// A rename is on disk when its folder is.
fn sync_folder_of(copy: &Path) -> std::io::Result<()> {
    let folder = copy
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

fn cannot_write(file: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", file.display()))
}

/// Reads a copy from end to end, without changing it, and says what it holds; [`StoreError::Damaged`] when it is not sound,
/// [`StoreError::Migration`] when a later program made it.
pub async fn verify_backup(file: &Path) -> Result<BackupSummary> {
    let mut connection = connect::open(&connect::read_only(file)).await?;
    check_pages(&mut connection).await?;
    check_references(&mut connection).await?;
    let schema_version = schema_version(&mut connection).await?;
    let mut rows: Vec<(String, i64)> = sqlx::query_as(COUNTS).fetch_all(&mut connection).await?;
    if schema_version >= PROVIDERS {
        rows.extend(
            sqlx::query_as(COUNTS_SINCE_PROVIDERS)
                .fetch_all(&mut connection)
                .await?,
        );
    }
    connection.close().await?;
    let has_installation = rows
        .iter()
        .any(|(table, count)| table == "installation" && *count == 1);
    Ok(BackupSummary {
        schema_version,
        has_installation,
        rows,
    })
}

/// Pages, indexes, types and constraints.
async fn check_pages(connection: &mut SqliteConnection) -> Result<()> {
    let findings: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_all(connection)
        .await?;
    match findings.first().map(String::as_str) {
        Some("ok") => Ok(()),
        finding => Err(StoreError::Damaged(
            finding.unwrap_or("the check was silent").to_owned(),
        )),
    }
}

async fn check_references(connection: &mut SqliteConnection) -> Result<()> {
    let dangling: Vec<String> = sqlx::query_scalar("SELECT \"table\" FROM pragma_foreign_key_check")
        .fetch_all(connection)
        .await?;
    match dangling.first() {
        None => Ok(()),
        Some(table) => Err(StoreError::Damaged(format!(
            "a row of {table} refers to one that is not there"
        ))),
    }
}

pub(super) async fn schema_version(connection: &mut SqliteConnection) -> Result<i64> {
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')")
            .fetch_one(&mut *connection)
            .await?;
    if !there {
        return Err(StoreError::Damaged(
            "it is not a database of Countersign".to_owned(),
        ));
    }
    let version: i64 = sqlx::query_scalar(SCHEMA_VERSION).fetch_one(connection).await?;
    let known = MIGRATIONS.last().map_or(0, |(version, ..)| *version);
    if version > known {
        return Err(StoreError::Migration(format!(
            "its schema {version} is of a later program; this one knows {known}"
        )));
    }
    Ok(version)
}
