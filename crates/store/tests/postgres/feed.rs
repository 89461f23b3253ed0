//! The change feed while transactions overlap.

use countersign_core::client::Client;
use countersign_store::{Change, Store as _};
use sqlx::{Connection as _, PgConnection};

use crate::{fresh, open};

fn change_of(client: &Client) -> Change {
    Change::Client(client.project_id.clone(), client.client_id.clone())
}

/// Ordinals and transaction numbers are given before a commit; a reader that went by either would never see this one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_commits_late_is_told_once() {
    let mut fresh = fresh().await;
    let mut late = PgConnection::connect(&fresh.url).await.unwrap();
    let mut transaction = late.begin().await.unwrap();
    sqlx::query("INSERT INTO change (at, kind) VALUES (1000, 'operators')")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let before = fresh.world.position().await;
    let client = fresh.world.kept_client("c", &[]).await;
    // The open transaction hides nothing of the others.
    assert_eq!(fresh.world.changed_since(&before).await, [change_of(&client)]);
    let between = fresh.world.position().await;
    transaction.commit().await.unwrap();
    assert_eq!(fresh.world.changed_since(&between).await, [Change::Operators]);
    let after = fresh.world.position().await;
    assert_eq!(fresh.world.changed_since(&after).await, []);
}

/// While an old transaction is open, nothing newer than it is pruned: its change may still appear below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruning_waits_for_open_transactions() {
    let mut fresh = fresh().await;
    let reader = fresh.world.position().await;
    let mut late = PgConnection::connect(&fresh.url).await.unwrap();
    let mut transaction = late.begin().await.unwrap();
    sqlx::query("INSERT INTO change (at, kind) VALUES (1000, 'operators')")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let client = fresh.world.kept_client("c", &[]).await;
    let deleted = fresh
        .world
        .store
        .delete_changes(crate::world::at(10_000))
        .await
        .unwrap();
    assert!(deleted > 0, "what is older goes");
    let level = fresh.world.position().await;
    transaction.commit().await.unwrap();
    // Whoever had seen everything is told what was hidden from him, and nothing else.
    assert_eq!(fresh.world.changed_since(&level).await, [Change::Operators]);
    let told = fresh.world.store.changes(Some(&reader)).await.unwrap().changed;
    // Either everything or the word to forget everything.
    if let Some(told) = told {
        assert_eq!(told, [Change::Operators, change_of(&client)]);
    }
}

/// A restored dump carries numbers of another server, which may be far ahead of this one's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_of_another_server_are_told_once_and_pruned() {
    let mut fresh = fresh().await;
    fresh.sql("INSERT INTO change (transaction, at, kind) VALUES ('999999999', 1, 'operators')");
    fresh
        .world
        .store
        .delete_changes(crate::world::at(0))
        .await
        .unwrap();
    let position = fresh.world.position().await;
    assert_eq!(fresh.world.changed_since(&position).await, []);
    assert_eq!(
        fresh.sql("SELECT count(*) FROM change WHERE transaction >= '999999999'"),
        "0"
    );
    let client = fresh.world.kept_client("c", &[]).await;
    assert_eq!(fresh.world.changed_since(&position).await, [change_of(&client)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_started_anew_makes_every_reader_forget() {
    let mut fresh = fresh().await;
    let position = fresh.world.position().await;
    fresh.cluster.restart().unwrap();
    let store = open(&fresh.url).await;
    assert_eq!(store.changes(Some(&position)).await.unwrap().changed, None);
}
