//! SQLite: one file, one writer, many readers.
//!
//! | file | subject |
//! |---|---|
//! | `connect` | how connections are opened; the migrations |
//! | `writer` | how writes share a commit |
//! | `clients`, `search` with `search_sql`, `projects`, `keys`, `operators`, `installation`, `usage`, `audit`, `changes` | the intentions |
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
mod installation;
mod keys;
mod operators;
mod outage;
#[cfg(test)]
mod plans;
mod projects;
mod pruning;
mod search;
mod search_sql;
mod transfer;
mod usage;
mod writer;

use std::path::{Path, PathBuf};

use sqlx::SqlitePool;

use crate::Result;
use crate::engine::{all, stale_unless, store_by_subject};
pub use backup::{BackupSummary, verify_backup};
pub(crate) use connect::schema;
pub(crate) use outage::{is_damage, outage};
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
        connect::prepare_file(&options.file)?;
        connect::sync_log(&options.file)?;
        let write_options = connect::writer(&options);
        let mut connection = connect::open(&write_options).await?;
        connect::migrate(&mut connection).await?;
        let readers = connect::readers(&options);
        let writer = Writer::start(connection, write_options);
        Ok(Self {
            file: options.file,
            readers,
            writer,
            feed: changes::Feed::default(),
        })
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
