//! Deletion of what has had its time, when there is much of it.

use countersign_store::Store as _;
use sqlx::{Connection as _, SqliteConnection};

use crate::fresh;
use crate::world::at;

/// In one transaction a backlog of a million rows would hold up every other write for seconds, and the memory of the old
/// pages would stay with the process.
#[tokio::test]
async fn a_backlog_is_deleted_in_several_transactions() {
    let (store, world, folder) = fresh().await;
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(
        "DELETE FROM change;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
        INSERT INTO change (at, kind) SELECT i, 'operators' FROM n;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
        INSERT INTO usage_minute (project_id, minute, issued, refused) SELECT p.id, i, 1, 0 FROM n, project p",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM project")
        .fetch_one(&mut connection)
        .await
        .unwrap();

    let commits = store.commits();
    // The newest of the old changes stays.
    assert_eq!(store.delete_changes(at(100)).await.unwrap(), 4999);
    assert_eq!(store.commits() - commits, 3);
    let commits = store.commits();
    assert_eq!(
        store.delete_minute_counts(4501).await.unwrap(),
        4500 * projects as u64
    );
    assert!(store.commits() - commits > 2);
    assert_eq!(
        world
            .store
            .minute_counts(&world.project.id, 0, 1_000)
            .await
            .unwrap()
            .len(),
        500
    );
}
