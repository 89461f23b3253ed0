//! A fresh store of each engine.

use std::any::Any;
use std::sync::Arc;

use countersign_cluster::database_for_a_test;
use countersign_store::{PostgresOptions, PostgresStore, PostgresUrl, SqliteOptions, SqliteStore, Transfer};

use crate::world::World;

/// A store, and what must live as long.
type Empty = (Arc<dyn Transfer>, Box<dyn Any + Send>);

/// SQLite in a file of its own, as in production.
pub(crate) async fn sqlite() -> World {
    let (store, home) = empty_sqlite().await;
    World::new(store, home).await
}

/// PostgreSQL in a database of its own.
pub(crate) async fn postgres() -> World {
    let (store, home) = empty_postgres().await;
    World::new(store, home).await
}

pub(crate) async fn empty_sqlite() -> Empty {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        file: folder.path().join("countersign.db"),
        max_page_count: None,
        readers: 2,
        cache_kib: 4096,
    };
    let store = SqliteStore::open(options).await.unwrap();
    (Arc::new(store), Box::new(folder))
}

pub(crate) async fn empty_postgres() -> Empty {
    let (url, cluster) = database_for_a_test().unwrap();
    let options = PostgresOptions {
        urls: vec![PostgresUrl::parse(&url).unwrap()],
        connections: 8,
    };
    let store = PostgresStore::open(&options).await.unwrap();
    (Arc::new(store), Box::new(cluster))
}
