//! On which engine a server keeps things.

use countersign_cluster::{Cluster, Durability};

/// An engine, and where its databases are.
pub enum Engine {
    /// A file in the data folder.
    Sqlite,
    /// A private PostgreSQL cluster, which ends when this is dropped.
    Postgres(Box<Cluster>),
}

/// Seals what servers on PostgreSQL keep; they make no key of their own.
pub const MASTER_KEY: &str = "b3d1f0a2c4e6980717263544536271809fa0b1c2d3e4f5061728394a5b6c7d8e";

impl Engine {
    /// A new cluster that waits for no disk.
    pub fn postgres() -> anyhow::Result<Self> {
        Ok(Self::Postgres(Box::new(Cluster::start(Durability::Quick, &[])?)))
    }

    /// For people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// The environment of a server on a new database.
    pub fn new_database(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        Ok(match self {
            Self::Sqlite => Vec::new(),
            Self::Postgres(cluster) => vec![
                ("COUNTERSIGN_DATABASE_URL", cluster.database()?),
                ("COUNTERSIGN_MASTER_KEY", MASTER_KEY.to_owned()),
            ],
        })
    }
}
