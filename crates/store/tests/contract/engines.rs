//! A fresh store of each engine.

use std::sync::Arc;

use countersign_store::{SqliteOptions, SqliteStore};

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
