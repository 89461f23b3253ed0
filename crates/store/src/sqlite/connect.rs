//! How connections are opened, and how the schema is brought up to date.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlSafeStr, SqliteConnection, SqlitePool};

use super::{SqliteOptions, SqliteStore};
use crate::{Result, StoreError};

/// How long to wait for a lock that another process holds, such as a backup tool; there is none among our own connections.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a reader waits for a free connection before it is told that there is none.
const READER_TIMEOUT: Duration = Duration::from_secs(5);
/// After a burst the write-ahead log is cut back to this many bytes.
const LOG_KEPT_BYTES: &str = "67108864";
/// The least page cache of one connection, in KiB: the upper levels of a few indexes.
const CACHE_MIN_KIB: u32 = 256;

/// Every migration, in order: version, description, SQL. A test compares the list with the folder.
const MIGRATIONS: [(i64, &str, &str); 2] = [
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
];

/// The schema that this program knows: the number of the last migration.
pub(crate) fn schema() -> i64 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

/// Makes the file, where it is missing, readable to its owner alone: SQLite would leave that to the umask, and its
/// companion files take their mode from it.
pub(super) fn prepare_file(file: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(file)
        .map(drop)
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", file.display())))
}

/// Makes last what an earlier process left in the log. Killed while it waited for the disk, it leaves a commit that we read
/// and that a power failure would still undo; whatever we answered or did because of it would then be wrong.
pub(super) fn sync_log(file: &Path) -> Result<()> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    match std::fs::File::open(&log).and_then(|log| log.sync_all()) {
        // Without a log, all of it is in the file and was synced there.
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::Unavailable(format!("{}: {error}", log.display())))
        }
        _ => Ok(()),
    }
}

/// Options of the one connection that writes. `synchronous=FULL` makes a commit wait until the disk has it.
pub(super) fn writer(options: &SqliteOptions) -> SqliteConnectOptions {
    let connect = common(options)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let connect = connect.pragma("journal_size_limit", LOG_KEPT_BYTES);
    match options.max_page_count {
        Some(pages) => connect.pragma("max_page_count", pages.to_string()),
        None => connect,
    }
}

/// The pool of connections that read. They are opened when first needed and kept.
pub(super) fn readers(options: &SqliteOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .acquire_timeout(READER_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        // A file does not hang up as a server does.
        .test_before_acquire(false)
        .connect_lazy_with(common(options).pragma("query_only", "ON"))
}

/// A pool of one connection that can read and no more.
pub(super) fn read_only_readers(file: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(READER_TIMEOUT)
        .connect_lazy_with(read_only(file))
}

fn common(options: &SqliteOptions) -> SqliteConnectOptions {
    let connections = options.readers.max(1).saturating_add(1);
    let cache_kib = (options.cache_kib / connections).max(CACHE_MIN_KIB);
    SqliteConnectOptions::new()
        .filename(&options.file)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("cache_size", format!("-{cache_kib}"))
        // Otherwise a savepoint that changes many pages keeps the old ones in a file under /var/tmp or /tmp: outside the data
        // folder, and not to be had at all where everything but that folder is read-only.
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

/// Options for looking at a file without changing it.
pub(super) fn read_only(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// One connection.
pub(super) async fn open(options: &SqliteConnectOptions) -> Result<SqliteConnection> {
    Ok(SqliteConnection::connect_with(options).await?)
}

/// Applies the migrations that are missing. A schema of a later program is refused.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<()> {
    migrator().run(connection).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => match StoreError::from(error) {
            outage @ StoreError::Unavailable(_) => outage,
            other => StoreError::Migration(other.to_string()),
        },
        sqlx::migrate::MigrateError::VersionMissing(version) => StoreError::Migration(format!(
            "the database has schema {version}, made by a later version of Countersign; use that version"
        )),
        other => StoreError::Migration(other.to_string()),
    })
}

/// Carries out what waits, and ends all connections.
pub(super) async fn close(store: &SqliteStore) {
    store.writer.close().await;
    store.readers.close().await;
}

/// The migrations as sqlx takes them.
pub(super) fn migrator() -> Migrator {
    let migration = |(version, description, sql): (i64, &'static str, &'static str)| {
        Migration::new(
            version,
            description.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    Migrator::with_migrations(MIGRATIONS.into_iter().map(migration).collect())
}

/// Takes the write lock and gives it back, and reads once.
pub(super) async fn ping(store: &SqliteStore) -> Result<()> {
    store.writer.write(|_| Box::pin(async { Ok(()) })).await?;
    sqlx::query("SELECT 1").execute(&store.readers).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

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
    /// The value of a setting on a connection of these options.
    async fn setting(options: &SqliteConnectOptions, pragma: &'static str) -> String {
        let mut connection = open(options).await.unwrap();
        let value = sqlx::raw_sql(pragma).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        value
            .try_get::<i64, _>(0)
            .map_or_else(|_| value.get(0), |number| number.to_string())
    }

    /// What was answered survives a power failure only with these.
    #[tokio::test]
    async fn commits_wait_for_the_disk_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        prepare_file(&file).unwrap();
        let options = SqliteOptions {
            file,
            max_page_count: Some(1000),
            readers: 3,
            cache_kib: 8192,
        };
        let writer = writer(&options);
        for (pragma, expected) in [
            ("PRAGMA journal_mode", "wal"),
            ("PRAGMA synchronous", "2"),
            ("PRAGMA foreign_keys", "1"),
            ("PRAGMA max_page_count", "1000"),
            ("PRAGMA cache_size", "-2048"),
            ("PRAGMA temp_store", "2"),
        ] {
            assert_eq!(setting(&writer, pragma).await, expected, "{pragma}");
        }
        let refused = sqlx::query("CREATE TABLE t (x)")
            .execute(&readers(&options))
            .await
            .unwrap_err();
        assert!(matches!(refused.into(), StoreError::Unavailable(_)));
    }
}
