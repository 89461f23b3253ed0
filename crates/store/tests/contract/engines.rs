//! A fresh store of each engine, on its own schema and beside another version.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use countersign_cluster::{Cluster, database_for_a_test};
use countersign_store::{
    PostgresOptions, PostgresStore, PostgresUrl, SqliteOptions, SqliteStore, Store as _, Transfer,
};

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
    let store = SqliteStore::open(in_folder(folder.path())).await.unwrap();
    (Arc::new(store), Box::new(folder))
}

pub(crate) async fn empty_postgres() -> Empty {
    let (options, cluster) = in_database();
    let store = PostgresStore::open(&options).await.unwrap();
    (Arc::new(store), Box::new(cluster))
}

/// This program on the schema of the one before.
pub(crate) async fn sqlite_on_the_previous_schema() -> World {
    let folder = tempfile::tempdir().unwrap();
    let options = in_folder(folder.path());
    let before = SqliteStore::open_as_previous(options.clone()).await.unwrap();
    before.close().await;
    let store = SqliteStore::open_unchanged(options).await.unwrap();
    World::new(Arc::new(store), Box::new(folder)).await
}

/// This program on the schema of the one before.
pub(crate) async fn postgres_on_the_previous_schema() -> World {
    let (options, cluster) = in_database();
    let before = PostgresStore::open_as_previous(&options).await.unwrap();
    before.close().await;
    let store = PostgresStore::open_unchanged(&options).await.unwrap();
    World::new(Arc::new(store), Box::new(cluster)).await
}

/// A program that knows no more than the one before, on the schema of this one.
pub(crate) async fn postgres_for_the_previous_program() -> World {
    let (options, cluster) = in_database();
    PostgresStore::migrate(&options).await.unwrap();
    let store = PostgresStore::open_as_previous(&options).await.unwrap();
    World::new(Arc::new(store), Box::new(cluster)).await
}

fn in_folder(folder: &Path) -> SqliteOptions {
    SqliteOptions {
        file: folder.join("countersign.db"),
        max_page_count: None,
        readers: 2,
        cache_kib: 4096,
    }
}

fn in_database() -> (PostgresOptions, Option<Cluster>) {
    let (url, cluster) = database_for_a_test().unwrap();
    let options = PostgresOptions {
        urls: vec![PostgresUrl::parse(&url).unwrap()],
        connections: 8,
    };
    (options, cluster)
}
