//! A fresh store of each engine.

use std::sync::Arc;

use countersign_cluster::database_for_a_test;
use countersign_store::{PostgresOptions, PostgresStore, PostgresUrl, SqliteOptions, SqliteStore};

use crate::world::World;

/// SQLite in a file of its own, as in production.
pub(crate) async fn sqlite() -> World {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        file: folder.path().join("countersign.db"),
        max_page_count: None,
        readers: 2,
        cache_kib: 4096,
    };
    let store = SqliteStore::open(options).await.unwrap();
    World::new(Arc::new(store), Box::new(folder)).await
}

/// PostgreSQL in a database of its own.
pub(crate) async fn postgres() -> World {
    let (url, cluster) = database_for_a_test().unwrap();
    let options = PostgresOptions {
        urls: vec![PostgresUrl::parse(&url).unwrap()],
        connections: 8,
    };
    let store = PostgresStore::open(&options).await.unwrap();
    World::new(Arc::new(store), Box::new(cluster)).await
}
