//! Writes share commits, and a queue that is full says so.

use std::path::Path;

use countersign_core::audit::Action;
use countersign_core::search::Search;
use countersign_store::{Store, StoreError};
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::task::JoinSet;

use crate::fresh;
use crate::world::World;

/// Queues many inserts while another process holds the file, so that all of them wait when the writer can begin.
async fn insert_at_once(world: &mut World, file: &Path, count: usize) -> Vec<countersign_store::Result<()>> {
    let mut holder = SqliteConnection::connect(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let client = world.new_client("c", &["a"]);
        let event = world.event(Action::ClientCreated, client.client_id.as_str());
        let store = world.store.clone();
        tasks.spawn(async move { store.insert_client(&client, &event).await });
    }
    // On a runtime of one thread, all tasks run before this one again.
    tokio::task::yield_now().await;
    holder.execute("ROLLBACK").await.unwrap();
    tasks.join_all().await
}

#[tokio::test]
async fn intentions_that_wait_together_are_committed_together() {
    let (store, mut world, folder) = fresh().await;
    let file = folder.path().join("store.db");
    let before = store.commits();
    assert!(
        insert_at_once(&mut world, &file, 64)
            .await
            .iter()
            .all(Result::is_ok)
    );
    assert_eq!(store.commits() - before, 1);
    assert!(
        insert_at_once(&mut world, &file, 200)
            .await
            .iter()
            .all(Result::is_ok)
    );
    assert_eq!(store.commits() - before, 1 + 4, "64 at most in one");
    assert_eq!(
        store
            .count_clients(&world.project.id, &Search::everything())
            .await
            .unwrap(),
        264
    );
}

#[tokio::test]
async fn a_batch_of_refusals_costs_no_commit() {
    let (store, mut world, _folder) = fresh().await;
    let client = world.kept_client("c", &[]).await;
    let before = store.commits();
    assert!(matches!(world.insert(&client).await, Err(StoreError::Duplicate)));
    assert!(matches!(world.update(&client).await, Err(StoreError::Stale)));
    assert_eq!(store.commits(), before);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_recovers() {
    let (store, mut world, folder) = fresh().await;
    let outcomes = insert_at_once(&mut world, &folder.path().join("store.db"), 1500).await;
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(StoreError::Unavailable(_))))
        .count();
    assert_eq!(accepted + refused, 1500);
    assert!(
        refused > 0 && accepted >= 1024,
        "{accepted} accepted, {refused} refused"
    );
    assert_eq!(
        store
            .count_clients(&world.project.id, &Search::everything())
            .await
            .unwrap(),
        accepted as i64
    );
    world.kept_client("afterwards", &[]).await;
}

#[tokio::test]
async fn closing_carries_out_what_waits_and_refuses_the_rest() {
    let (store, mut world, folder) = fresh().await;
    let waiting = {
        let client = world.new_client("waiting", &["a"]);
        let event = world.event(Action::ClientCreated, client.client_id.as_str());
        let store = store.clone();
        let task = tokio::spawn(async move { store.insert_client(&client, &event).await });
        tokio::task::yield_now().await;
        task
    };
    store.close().await;
    waiting.await.unwrap().unwrap();
    let late = world.new_client("late", &[]);
    assert!(matches!(
        world.insert(&late).await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    store.close().await;

    assert!(
        !folder.path().join("store.db-wal").exists(),
        "everything is in the file itself"
    );
    let reopened = crate::open(&folder.path().join("store.db")).await;
    assert_eq!(
        reopened
            .count_clients(&world.project.id, &Search::everything())
            .await
            .unwrap(),
        1
    );
}
