//! Copies: consistent while others write, verified by reading them back, refused when damaged.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use countersign_core::audit::Action;
use countersign_store::{BackupSummary, SqliteStore, Store, StoreError, verify_backup};
use tokio::task::JoinSet;

use crate::{fresh, open, options};

fn rows_of(summary: &BackupSummary, table: &str) -> i64 {
    summary.rows.iter().find(|(name, _)| name == table).unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_while_others_write_is_of_one_moment() {
    let (store, mut world, folder) = fresh().await;
    for _ in 0..100 {
        world.kept_client("before", &["a", "b"]).await;
    }
    let mut writers = JoinSet::new();
    for _ in 0..400 {
        let client = world.new_client("meanwhile", &["a", "b"]);
        let event = world.event(Action::ClientCreated, client.client_id.as_str());
        let store = store.clone();
        writers.spawn(async move { store.insert_client(&client, &event).await.unwrap() });
    }
    let copies = folder.path().join("copies");
    std::fs::create_dir(&copies).unwrap();
    for number in 0..5 {
        let copy = copies.join(format!("{number}.db"));
        store.backup(&copy).await.unwrap();
        let summary = verify_backup(&copy).await.unwrap();
        let clients = rows_of(&summary, "client");
        assert!((100..=500).contains(&clients));
        assert_eq!(rows_of(&summary, "client_scope"), 2 * clients);
        assert_eq!(rows_of(&summary, "change"), clients + 1);
        assert_eq!(rows_of(&summary, "audit"), clients + 1);
        assert_eq!(
            std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    writers.join_all().await;
    let names: Vec<_> = std::fs::read_dir(&copies)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 5, "no companions, no leftovers: {names:?}");
}

#[tokio::test]
async fn a_copy_opens_as_the_store_it_was_made_of() {
    let (store, mut world, folder) = fresh().await;
    let client = world.kept_client("c", &["b", "a"]).await;
    let copy = folder.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    world.delete(&client).await.unwrap();
    world.store = open(&copy).await;
    assert_eq!(world.stored(&client).await.as_ref(), Some(&client));
    world.delete(&client).await.unwrap();
}

#[tokio::test]
async fn a_file_is_copied_beside_its_server_and_when_nobody_serves_it() {
    let (store, mut world, folder) = fresh().await;
    world.kept_client("c", &["a"]).await;
    let file = folder.path().join("store.db");
    let beside = SqliteStore::open_read_only(&file).await.unwrap();
    beside.backup(&folder.path().join("beside.db")).await.unwrap();
    beside.close().await;
    world.kept_client("d", &["a"]).await;
    store.close().await;
    let alone = SqliteStore::open_read_only(&file).await.unwrap();
    alone.backup(&folder.path().join("alone.db")).await.unwrap();
    for (name, clients) in [("beside.db", 1), ("alone.db", 2)] {
        let summary = verify_backup(&folder.path().join(name)).await.unwrap();
        assert_eq!(rows_of(&summary, "client"), clients);
        assert_eq!((summary.schema_version, summary.has_installation), (3, false));
    }
}

#[tokio::test]
async fn a_copy_of_the_schema_before_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let before = SqliteStore::open_as_previous(options(&file)).await.unwrap();
    before.close().await;
    let summary = verify_backup(&file).await.unwrap();
    assert_eq!((summary.schema_version, rows_of(&summary, "client")), (2, 0));
}

#[tokio::test]
async fn an_existing_file_is_not_overwritten() {
    let (store, _world, folder) = fresh().await;
    let copy = folder.path().join("precious.db");
    std::fs::write(&copy, "precious").unwrap();
    assert!(matches!(
        store.backup(&copy).await,
        Err(StoreError::Unavailable(_))
    ));
    assert_eq!(std::fs::read(&copy).unwrap(), b"precious");
    assert!(
        store
            .backup(&folder.path().join("no such folder").join("copy.db"))
            .await
            .is_err()
    );
}

async fn verdict(file: &Path, bytes: &[u8]) -> Result<BackupSummary, StoreError> {
    std::fs::write(file, bytes).unwrap();
    verify_backup(file).await
}

#[tokio::test]
async fn a_damaged_copy_is_refused() {
    let (store, mut world, folder) = fresh().await;
    for _ in 0..50 {
        world.kept_client("c", &["a", "b"]).await;
    }
    let copy = folder.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    let sound = std::fs::read(&copy).unwrap();
    let file = folder.path().join("damaged.db");
    assert!(verdict(&file, &sound).await.is_ok());

    let page = 4096;
    let mut found = 0;
    for number in 0..sound.len() / page {
        let mut damaged = sound.clone();
        damaged[number * page..][..page].fill(0xa5);
        assert!(verdict(&file, &damaged).await.is_err(), "page {number}");
        found += 1;
    }
    assert!(found > 20);
    for bytes in [
        &sound[..sound.len() / 2],
        &sound[..page],
        &sound[..50],
        b"",
        b"not a database at all",
    ] {
        let verdict = verdict(&file, bytes).await;
        assert!(
            matches!(verdict, Err(StoreError::Damaged(_))),
            "{} bytes: {verdict:?}",
            bytes.len()
        );
    }
    assert!(matches!(
        verify_backup(&folder.path().join("missing.db")).await,
        Err(StoreError::Unavailable(_))
    ));
}
