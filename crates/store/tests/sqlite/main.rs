//! What is peculiar to SQLite: the shared commit, a full disk, a killed process, copies of the file, and the schema's
//! comments. What every engine does is in `tests/contract`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a step that fails is a test that fails"
)]

mod backup;
mod feed;
mod files;
mod full_disk;
mod group_commit;
mod pruning;
mod schema;
#[expect(dead_code, reason = "shared with the contract, whose stories need more of it")]
#[path = "../contract/world.rs"]
mod world;

use std::path::Path;
use std::sync::Arc;

use countersign_store::{SqliteOptions, SqliteStore};
use tempfile::TempDir;
use world::World;

fn options(file: &Path) -> SqliteOptions {
    SqliteOptions {
        file: file.to_owned(),
        max_page_count: None,
        readers: 2,
        cache_kib: 4096,
    }
}

async fn open(file: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(options(file)).await.unwrap())
}

/// A store in a new folder, and a world around it.
async fn fresh() -> (Arc<SqliteStore>, World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).await;
    let world = World::new(store.clone(), Box::new(())).await;
    (store, world, folder)
}
