//! The engine that the stories are told on: SQLite, or PostgreSQL where `COUNTERSIGN_TEST_ENGINE` says so.

use std::path::Path;

use countersign_cluster::{Cluster, database_for_a_test};
use toml::Value as Toml;

/// What seals the database on a server; only beside an embedded one is a key made.
const MASTER_KEY: &str = "b3d1f0a2c4e6980717263544536271809fa0b1c2d3e4f5061728394a5b6c7d8e";

/// Whether the stories are told on PostgreSQL.
pub(crate) fn is_postgres() -> bool {
    std::env::var("COUNTERSIGN_TEST_ENGINE").as_deref() == Ok("postgres")
}

/// Sets where the database is; what it gives back must live as long as the story.
pub(super) fn choose(dir: &impl AsRef<Path>, overrides: &mut Vec<(&'static str, Toml)>) -> Option<Cluster> {
    if !is_postgres() {
        return None;
    }
    let (url, cluster) = database_for_a_test().unwrap();
    let key_file = dir.as_ref().join("master.key");
    std::fs::write(&key_file, MASTER_KEY).unwrap();
    overrides.push(("database.url", Toml::Array(vec![Toml::String(url)])));
    overrides.push(("master_key.file", Toml::String(key_file.display().to_string())));
    cluster
}
