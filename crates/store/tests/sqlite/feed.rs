//! The change feed of a database that was put back.

use crate::fresh;

#[tokio::test]
async fn a_reader_ahead_of_a_restored_database_is_told_to_forget_everything() {
    let (store, mut world, folder) = fresh().await;
    let copy = folder.path().join("copy.db");
    countersign_store::Store::backup(store.as_ref(), &copy)
        .await
        .unwrap();
    world.kept_client("c", &[]).await;
    let ahead = world.position().await;
    world.store = crate::open(&copy).await;
    assert_eq!(world.store.changes(Some(&ahead)).await.unwrap().changed, None);
}

#[tokio::test]
async fn a_reader_very_far_behind_is_told_to_forget_everything() {
    let (store, mut world, folder) = fresh().await;
    let behind = world.position().await;
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::query(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001)
        INSERT INTO change (at, kind) SELECT i, 'operators' FROM n",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    // The store reads the feed again only after it has written itself: it is the one process that may.
    world.kept_client("c", &[]).await;
    let told = countersign_store::Store::changes(store.as_ref(), Some(&behind))
        .await
        .unwrap();
    assert_eq!(told.changed, None);
    assert_eq!(told.position, world.position().await);
}
