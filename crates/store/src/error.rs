//! What can go wrong with a store, in its own words.

/// Why an intention was not carried out. In every case nothing of it was written, save that
/// [`StoreError::OutcomeUnknown`] says it may have been.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The identity is taken.
    #[error("the identity is taken")]
    Duplicate,
    /// The row changed or vanished since it was read.
    #[error("the row has changed since it was read")]
    Stale,
    /// The database cannot take it now: the disk is full, the file is read-only, no connection in time.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The connection was lost while committing; [`crate::Store::event_exists`] tells.
    #[error("the outcome of the commit is unknown")]
    OutcomeUnknown,
    /// What is stored contradicts itself.
    #[error("inconsistent data in {table}.{column} of row {row}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's identity.
        row: String,
    },
    /// The database file is damaged, or is not one of Countersign.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The engine does not do this; the text says what to use instead.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A database URL that cannot be used; the text says why and repeats nothing of it.
    #[error("the database URL cannot be used: {0}")]
    Url(String),
    /// A migration that could not be applied.
    #[error("migration failed: {0}")]
    Migration(String),
    /// The database has not grown as far as this program needs.
    #[error(
        "the database has schema {version}, and this program runs on {oldest} or later; bring it up to date with \
         \"countersign migrate\""
    )]
    SchemaTooOld {
        /// The last migration applied.
        version: i64,
        /// The oldest schema that would do.
        oldest: i64,
    },
    /// The database is for later programs than this one.
    #[error(
        "the database has schema {version}, made by a later version of Countersign, and is not for one that knows \
         {program}; use that version"
    )]
    ProgramTooOld {
        /// The last migration applied.
        version: i64,
        /// The last migration known.
        program: i64,
    },
    /// The database has not grown as far as this intention needs, though the program runs on it.
    #[error("the database's schema does not have this yet; bring it up to date with \"countersign migrate\"")]
    SchemaLacks,
    /// Anything else the driver says.
    #[error("database error")]
    Driver(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    /// Sorts what a driver says by what the caller can do about it.
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => Self::Duplicate,
            // The row that this one belongs to has gone since the caller saw it.
            sqlx::Error::Database(database) if database.is_foreign_key_violation() => Self::Stale,
            sqlx::Error::Database(database) => {
                let database = database.as_ref();
                match crate::sqlite::outage(database).or_else(|| crate::postgres::outage(database)) {
                    Some(reason) => Self::Unavailable(reason.to_owned()),
                    None if crate::sqlite::is_damage(database) || crate::postgres::is_damage(database) => {
                        Self::Damaged(database.to_string())
                    }
                    None if crate::sqlite::lacks_table(database)
                        || crate::postgres::lacks_table(database) =>
                    {
                        Self::SchemaLacks
                    }
                    None => Self::Driver(error),
                }
            }
            sqlx::Error::PoolTimedOut => Self::Unavailable("no connection became free in time".to_owned()),
            sqlx::Error::PoolClosed => Self::Unavailable("the database is closed".to_owned()),
            sqlx::Error::WorkerCrashed => Self::Unavailable("the connection has ended".to_owned()),
            sqlx::Error::Io(io) => Self::Unavailable(io.to_string()),
            sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::BeginFailed => {
                Self::Unavailable("the connection to the database failed".to_owned())
            }
            _ => Self::Driver(error),
        }
    }
}
