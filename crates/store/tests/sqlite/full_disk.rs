//! A full disk is a clear refusal, nothing half-written, and over when there is room again.

use std::path::Path;
use std::sync::Arc;

use countersign_core::audit::{Action, AuditFilter};
use countersign_core::client::Client;
use countersign_store::{SqliteOptions, SqliteStore, Store, StoreError, verify_backup};
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinSet;

use crate::world::{ALL, World, at};

/// Room for the schema and some hundred clients.
const PAGES: u32 = 160;

async fn open(file: &Path, max_page_count: u32) -> Arc<SqliteStore> {
    let options = SqliteOptions {
        max_page_count: Some(max_page_count),
        ..crate::options(file)
    };
    Arc::new(SqliteStore::open(options).await.unwrap())
}

/// Inserts in rounds of many at once until the disk is full; those that were answered well, and those that were refused.
async fn fill(world: &mut World) -> (Vec<Client>, Vec<Client>) {
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    // Some rounds more than it takes: what is refused once is refused again, whatever page the next one needs.
    let mut rounds_left = 5;
    while rounds_left > 0 {
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let client = world.new_client(&"n".repeat(200), &["a", "b", "c"]);
            let event = world.event(Action::ClientCreated, client.client_id.as_str());
            let store = world.store.clone();
            tasks.spawn(async move { (store.insert_client(&client, &event).await, client) });
        }
        for (outcome, client) in tasks.join_all().await {
            match outcome {
                Ok(()) => kept.push(client),
                Err(StoreError::Unavailable(reason)) => {
                    assert_eq!(reason, "the disk is full");
                    refused.push(client);
                }
                Err(error) => panic!("{error}"),
            }
        }
        rounds_left -= usize::from(!refused.is_empty());
    }
    (kept, refused)
}

/// Of each client all or nothing is there: row, scopes, event, change.
async fn assert_whole(world: &World, kept: &[Client], refused: &[Client]) {
    for client in kept {
        assert_eq!(world.stored(client).await.as_ref(), Some(client));
    }
    for client in refused {
        assert_eq!(world.stored(client).await, None);
        let of_client = AuditFilter {
            object: Some(client.client_id.to_string()),
            ..AuditFilter::default()
        };
        assert!(world.store.audit(&of_client, ALL).await.unwrap().is_empty());
    }
}

async fn counts(file: &Path) -> Vec<i64> {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    let sql = "SELECT count(*) FROM client UNION ALL SELECT count(*) / 3 FROM client_scope
        UNION ALL SELECT count(*) FROM audit WHERE action = 'client_created'
        UNION ALL SELECT count(*) FROM change WHERE kind = 'client'";
    let counts = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_refused_and_nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = open(&file, PAGES).await;
    let mut world = World::new(store.clone(), Box::new(())).await;
    let (kept, refused) = fill(&mut world).await;
    assert!(kept.len() > 50, "{}", kept.len());
    assert_whole(&world, &kept, &refused).await;
    assert_eq!(counts(&file).await, [kept.len() as i64; 4]);
    store.ping().await.unwrap();

    // Room by deleting: the word about it needs a page too, and gets one of those that became free.
    let word = world.event(Action::AuditPruned, "");
    let pruned = store.prune_audit(at(1_000), &word).await.unwrap();
    assert!(pruned >= kept.len() as u64);
    let after_pruning = world.kept_client("after pruning", &["a"]).await;
    assert_eq!(world.stored(&after_pruning).await, Some(after_pruning));

    store.close().await;
    verify_backup(&file).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_room_again_everything_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = open(&file, PAGES).await;
    let mut world = World::new(store.clone(), Box::new(())).await;
    let (kept, refused) = fill(&mut world).await;
    store.close().await;

    let store = open(&file, 2 * PAGES).await;
    world.store = store.clone();
    assert_whole(&world, &kept, &refused).await;
    for client in &refused {
        world.insert(client).await.unwrap();
    }
    assert_whole(&world, &[kept, refused].concat(), &[]).await;
    store.close().await;
    verify_backup(&file).await.unwrap();
}
