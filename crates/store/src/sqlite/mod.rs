//! SQLite: one file, one writer, many readers.
//!
//! | file | subject |
//! |---|---|
//! | `connect` | how connections are opened |
//! | `migrations` | the schema, and how it is brought up to date |
//! | `writer` | how writes share a commit |
//! | `clients`, `search` with `search_sql`, `projects`, `keys`, `providers`, `credentials`, `operators`, `installation`, `usage`, `audit`, `changes` | the intentions |
//! | `backup` | a copy of the file while it is in use, and whether a copy is sound |
//! | `transfer` | the whole of it, leaving and arriving |
//! | `outage` | which errors mean "not now" |
//!
//! Statements are constants: what runs can be read here and is asked for its plan by a test.

mod audit;
mod backup;
mod changes;
mod clients;
mod connect;
mod credentials;
mod installation;
mod keys;
mod migrations;
mod operators;
mod outage;
#[cfg(test)]
mod plans;
mod projects;
mod providers;
mod pruning;
mod search;
mod search_sql;
mod transfer;
mod usage;
mod writer;

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection, SqlitePool};

use crate::Result;
use crate::engine::{all, stale_unless, store_by_subject};
use crate::schema::{self, Migrated, Migration, Schema};
pub use backup::{BackupSummary, verify_backup};
pub(crate) use migrations::MIGRATIONS;
pub(crate) use outage::{is_damage, lacks_table, outage};
use writer::Writer;

/// Where the database is and what it may use.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The database file; made when it is not there. Two more files stand beside it while it is open.
    pub file: PathBuf,
    /// The largest the file may grow, in pages of 4 KiB; no bound when `None`.
    pub max_page_count: Option<u32>,
    /// How many connections read at once, at least one. Each is a thread.
    pub readers: u32,
    /// Memory for the page caches of all connections together, in KiB.
    pub cache_kib: u32,
}

/// The store in one SQLite file. Dropping it without [`crate::Store::close`] loses nothing that was answered.
pub struct SqliteStore {
    file: PathBuf,
    readers: SqlitePool,
    writer: Writer,
    feed: changes::Feed,
}

impl SqliteStore {
    /// Opens the file, brings its schema up to date, and starts the writer.
    pub async fn open(options: SqliteOptions) -> Result<Self> {
        Self::open_as(&migrations::MIGRATIONS, options).await
    }

    /// The same as the program before did, which did not know the last migration: for tests of what two versions do with each
    /// other's schema.
    #[doc(hidden)]
    pub async fn open_as_previous(options: SqliteOptions) -> Result<Self> {
        Self::open_as(schema::before_the_last(&migrations::MIGRATIONS), options).await
    }

    /// Opens the file with the schema that it has, if this program can run on that. One that is not there has none, and is not
    /// made.
    pub async fn open_unchanged(options: SqliteOptions) -> Result<Self> {
        if !options.file.exists() {
            return Err(Schema::none(&migrations::MIGRATIONS).too_old());
        }
        let (mut connection, write_options) = Self::write_to(&options).await?;
        let schema = migrations::admitted(&mut connection, &migrations::MIGRATIONS).await?;
        schema.suffice()?;
        Ok(Self::with(connection, write_options, options))
    }

    /// Brings the schema of a file up to date.
    pub async fn migrate(options: &SqliteOptions) -> Result<Migrated> {
        let (mut connection, _) = Self::write_to(options).await?;
        let migrated = migrations::migrate(&mut connection, &migrations::MIGRATIONS).await;
        connection.close().await?;
        migrated
    }

    /// The schema that a file has. Nothing is changed, and somebody else may be at work on it.
    pub async fn schema(file: &Path) -> Result<Schema> {
        let mut connection = connect::open(&connect::read_only(file)).await?;
        let schema = migrations::schema(&mut connection, &migrations::MIGRATIONS).await;
        connection.close().await?;
        schema
    }

    async fn open_as(known: &[Migration], options: SqliteOptions) -> Result<Self> {
        let (mut connection, write_options) = Self::write_to(&options).await?;
        migrations::migrate(&mut connection, known).await?;
        Ok(Self::with(connection, write_options, options))
    }

    async fn write_to(options: &SqliteOptions) -> Result<(SqliteConnection, SqliteConnectOptions)> {
        connect::prepare_file(&options.file)?;
        connect::sync_log(&options.file)?;
        let write_options = connect::writer(options);
        Ok((connect::open(&write_options).await?, write_options))
    }

    fn with(
        connection: SqliteConnection,
        write_options: SqliteConnectOptions,
        options: SqliteOptions,
    ) -> Self {
        Self {
            readers: connect::readers(&options),
            writer: Writer::start(connection, write_options),
            file: options.file,
            feed: changes::Feed::default(),
        }
    }

    /// Opens a file for reading alone, also while another process writes to it: for [`crate::Store::backup`]. Every intention that
    /// writes is refused.
    pub async fn open_read_only(file: &Path) -> Result<Self> {
        let readers = connect::read_only_readers(file);
        readers.acquire().await?;
        Ok(Self {
            file: file.to_owned(),
            readers,
            writer: Writer::none(),
            feed: changes::Feed::default(),
        })
    }

    /// How many transactions were committed since it was opened; fewer than the intentions when these share commits.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }
}

store_by_subject!(SqliteStore);
