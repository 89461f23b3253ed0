//! Both engines keep the same things in the same places.

use std::collections::BTreeSet;

use countersign_store::{SqliteOptions, SqliteStore};
use sqlx::{Connection as _, SqliteConnection};
use tokio::task::JoinSet;

use crate::{fresh, open};

/// `change.transaction` is how PostgreSQL orders what several nodes write; SQLite has one writer.
const POSTGRES_ALONE: &str = "change.transaction";

async fn columns_of_sqlite() -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let options = SqliteOptions {
        file: file.clone(),
        max_page_count: None,
        readers: 1,
        cache_kib: 0,
    };
    let _store = SqliteStore::open(options).await.unwrap();
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT t.name || '.' || c.name || CASE c.\"notnull\" OR c.pk WHEN 1 THEN '' ELSE '?' END
        FROM sqlite_schema t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND t.name NOT LIKE '\\_%' ESCAPE '\\'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    columns.into_iter().collect()
}

#[tokio::test]
async fn tables_columns_and_nulls_are_those_of_sqlite() {
    let fresh = fresh().await;
    let columns = fresh.sql(
        "SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'YES' THEN '?' ELSE '' END
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_%'",
    );
    let mut columns: BTreeSet<String> = columns.lines().map(str::to_owned).collect();
    assert!(columns.remove(POSTGRES_ALONE));
    assert_eq!(columns, columns_of_sqlite().await);
}

#[tokio::test]
async fn indexes_are_those_of_sqlite() {
    let fresh = fresh().await;
    let names = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter_map(|line| line.split(" INDEX ").nth(1));
        lines
            .map(|rest| rest.split_once(' ').unwrap().0.to_owned())
            .collect()
    };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut sqlite = String::new();
    for file in std::fs::read_dir(folder).unwrap() {
        sqlite += &std::fs::read_to_string(file.unwrap().path()).unwrap();
    }
    let postgres = fresh.sql(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%\\_key'
        AND indexname NOT LIKE '%\\_pkey'",
    );
    let mut postgres = names(&postgres);
    assert!(postgres.remove("change_by_transaction"));
    assert_eq!(postgres, names(&sqlite));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_migrate_once() {
    let fresh = fresh().await;
    let url = fresh.cluster.database().unwrap();
    let mut nodes = JoinSet::new();
    for _ in 0..6 {
        let url = url.clone();
        nodes.spawn(async move { open(&url).await });
    }
    assert_eq!(nodes.join_all().await.len(), 6);
    let database = url.rsplit_once('/').unwrap().1;
    let applied = fresh
        .cluster
        .sql(database, "SELECT count(*) FROM _sqlx_migrations")
        .unwrap();
    assert_eq!(applied, "2");
}
