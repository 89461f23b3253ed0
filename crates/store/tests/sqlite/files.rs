//! The files on disk: what a kill leaves, who may read them, and what cannot be opened.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use countersign_core::search::Search;
use countersign_store::{SqliteStore, Store, StoreError};
use sqlx::{Connection, SqliteConnection};

use crate::{fresh, open, options};

#[tokio::test]
async fn what_was_answered_is_there_after_a_drop_without_close() {
    let (store, mut world, folder) = fresh().await;
    let client = world.kept_client("c", &["a"]).await;
    world.store = open(&folder.path().join("other.db")).await;
    drop(store);
    world.store = open(&folder.path().join("store.db")).await;
    assert_eq!(world.stored(&client).await, Some(client));
}

/// A copy of the files at the moment of an answer is what a kill at that moment leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_there_after_a_kill() {
    let (_store, mut world, folder) = fresh().await;
    let mut kept = Vec::new();
    for number in 0..20 {
        kept.push(world.kept_client(&format!("c{number}"), &["a", "b"]).await);
        let wreck = tempfile::tempdir().unwrap();
        for name in ["store.db", "store.db-wal"] {
            std::fs::copy(folder.path().join(name), wreck.path().join(name)).unwrap();
        }
        let reopened = open(&wreck.path().join("store.db")).await;
        for client in &kept {
            let stored = reopened
                .client(&client.project_id, &client.client_id)
                .await
                .unwrap();
            assert_eq!(stored.as_ref(), Some(client));
        }
        assert_eq!(
            reopened
                .count_clients(&world.project.id, &Search::everything())
                .await
                .unwrap(),
            kept.len() as i64
        );
    }
}

#[tokio::test]
async fn the_files_are_their_owner_s_alone() {
    let (_store, mut world, folder) = fresh().await;
    world.kept_client("c", &[]).await;
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let mode = std::fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_store_opened_for_reading_reads_beside_the_one_that_writes_and_writes_nothing() {
    let (_store, world, folder) = fresh().await;
    let reader = SqliteStore::open_read_only(&folder.path().join("store.db"))
        .await
        .unwrap();
    assert!(reader.project(&world.project.id).await.unwrap().is_some());
    assert!(matches!(
        reader.delete_minute_counts(0).await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(matches!(reader.ping().await, Err(StoreError::Unavailable(_))));
    reader.close().await;
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no such folder").join("store.db");
    assert!(matches!(
        SqliteStore::open(options(&missing)).await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(SqliteStore::open_read_only(&missing).await.is_err());

    let text = folder.path().join("text.db");
    std::fs::write(&text, "this is no database, however long it may be. ".repeat(100)).unwrap();
    assert!(matches!(
        SqliteStore::open(options(&text)).await,
        Err(StoreError::Damaged(_))
    ));
}

async fn execute(file: &Path, sql: &'static str) {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn the_schema_of_a_later_program_is_refused() {
    let (store, _world, folder) = fresh().await;
    store.close().await;
    let file = folder.path().join("store.db");
    execute(
        &file,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES (9999, 'later', true, x'00', 0)",
    )
    .await;
    assert!(matches!(
        SqliteStore::open(options(&file)).await,
        Err(StoreError::ProgramTooOld { version: 9999, .. })
    ));
    assert!(matches!(
        countersign_store::verify_backup(&file).await,
        Err(StoreError::Migration(_))
    ));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named() {
    let (store, mut world, folder) = fresh().await;
    let client = world.kept_client("c", &[]).await;
    execute(
        &folder.path().join("store.db"),
        "UPDATE client SET secret_digest = 'nonsense'",
    )
    .await;
    let error = store
        .client(&client.project_id, &client.client_id)
        .await
        .unwrap_err();
    let expected = format!(
        "inconsistent data in client.secret_digest of row {}",
        client.client_id
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_database_held_by_another_process_is_unavailable_and_then_available_again() {
    let (_store, mut world, folder) = fresh().await;
    let file = folder.path().join("store.db");
    let mut other = SqliteConnection::connect(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let client = world.new_client("c", &["a"]);
    let refused = world.insert(&client).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Unavailable(reason) if reason.contains("another process")),
        "{refused}"
    );
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    world.insert(&client).await.unwrap();
    assert_eq!(world.stored(&client).await, Some(client));
}
