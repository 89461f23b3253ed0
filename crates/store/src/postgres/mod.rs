//! PostgreSQL: one primary, standbys that may become it, and as many nodes of ours as there shall be.
//!
//! | file | subject |
//! |---|---|
//! | `url` | where a server is, and how safely it is reached |
//! | `connect` | how connections are opened, and which server is the primary |
//! | `migrations` | the schema, brought up to date by one node at a time |
//! | `writer` | how an intention is carried out: again when it may pass, and never twice |
//! | `clients`, `search` with `search_sql`, `projects`, `keys`, `providers`, `credentials`, `operators`, `installation`, `usage`, `audit`, `changes` | the intentions |
//! | `pruning` | deleting what has had its time |
//! | `backup` | the word that PostgreSQL has tools for it |
//! | `transfer` | the whole of it, leaving and arriving |
//! | `outage` | which errors mean "not now", and which "again" |
//!
//! Statements are constants, as with SQLite: what runs can be read here and is asked for its plan by a test.

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
mod url;
mod usage;
mod writer;

pub use self::url::PostgresUrl;
use crate::Result;
use crate::engine::{all, stale_unless, store_by_subject};
use crate::schema::{self, Migrated, Migration, Schema};
use connect::Servers;
pub(crate) use outage::{is_damage, lacks_table, outage};

/// Where the database is and what it may use.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The servers of which one is the primary, now or after a failover.
    pub urls: Vec<PostgresUrl>,
    /// Most connections at a time; one more follows the change feed.
    pub connections: u32,
}

/// The store on a PostgreSQL server. Dropping it without [`crate::Store::close`] loses nothing that was answered.
pub struct PostgresStore {
    servers: Servers,
    /// A connection of its own: the feed must be read in time however many requests wait for a connection.
    feed: Servers,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date.
    pub async fn open(options: &PostgresOptions) -> Result<Self> {
        Self::open_as(&migrations::MIGRATIONS, options).await
    }

    /// The same as the program before did, which did not know the last migration: for tests of what two versions do with each
    /// other's schema.
    #[doc(hidden)]
    pub async fn open_as_previous(options: &PostgresOptions) -> Result<Self> {
        Self::open_as(schema::before_the_last(&migrations::MIGRATIONS), options).await
    }

    async fn open_as(known: &[Migration], options: &PostgresOptions) -> Result<Self> {
        let store = Self::open_as_it_is(options)?;
        migrations::migrate(&store.servers, known).await?;
        Ok(store)
    }

    /// Connects with the schema that is there, if this program can run on it.
    pub async fn open_unchanged(options: &PostgresOptions) -> Result<Self> {
        let store = Self::open_as_it_is(options)?;
        let schema = migrations::schema_on(&store.servers, &migrations::MIGRATIONS).await?;
        schema.admit_program()?;
        schema.suffice()?;
        Ok(store)
    }

    /// Brings the schema up to date, one caller at a time.
    pub async fn migrate(options: &PostgresOptions) -> Result<Migrated> {
        let store = Self::open_as_it_is(options)?;
        let migrated = migrations::migrate(&store.servers, &migrations::MIGRATIONS).await;
        connect::close(&store).await;
        migrated
    }

    /// The schema that is there. Nothing is changed.
    pub async fn schema(options: &PostgresOptions) -> Result<Schema> {
        let store = Self::open_as_it_is(options)?;
        let schema = migrations::schema_on(&store.servers, &migrations::MIGRATIONS).await;
        connect::close(&store).await;
        schema
    }

    /// The store with whatever schema is there. Nothing is connected yet.
    pub fn open_as_it_is(options: &PostgresOptions) -> Result<Self> {
        let servers = Servers::new(&options.urls, options.connections)?;
        Ok(Self {
            feed: servers.beside(1)?,
            servers,
        })
    }
}

/// Whether a text can be stored at all. PostgreSQL refuses NUL, also in a question, whose answer is then: there is none.
fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

store_by_subject!(PostgresStore);
