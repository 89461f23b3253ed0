//! Both engines keep the same things in the same places.

use std::collections::BTreeSet;

use countersign_store::{Kind, SqliteOptions, SqliteStore, TABLES};
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

/// What belongs to a database and not to an installation, or begins anew with it.
const NOT_MOVED: &[&str] = &["change", "compatibility", "import"];

/// A column that is not listed would be lost by a move.
#[tokio::test]
async fn every_table_and_column_is_moved() {
    let fresh = fresh().await;
    let columns = fresh.sql(
        "SELECT table_name || '.' || column_name || ' ' || data_type || CASE is_nullable WHEN 'YES' THEN '?' ELSE '' END
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_%'
        ORDER BY table_name, ordinal_position",
    );
    let there: BTreeSet<String> = columns
        .lines()
        .filter(|line| {
            !NOT_MOVED
                .iter()
                .any(|table| line.starts_with(&format!("{table}.")))
        })
        .map(str::to_owned)
        .collect();
    let listed = TABLES.iter().flat_map(|table| {
        table.columns.iter().map(|column| {
            let kind = match column.kind {
                Kind::Integer => "bigint",
                Kind::Boolean => "boolean",
                Kind::Text | Kind::Sealed { .. } => "text",
                Kind::Bytes => "bytea",
            };
            let nullable = if column.nullable { "?" } else { "" };
            format!("{}.{} {kind}{nullable}", table.name, column.name)
        })
    });
    assert_eq!(listed.collect::<BTreeSet<_>>(), there);

    let keys = fresh.sql(
        "SELECT t.relname || ' ' || (SELECT string_agg(a.attname, ',' ORDER BY k.place)
            FROM unnest(i.indkey) WITH ORDINALITY k (number, place)
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number)
        FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid WHERE i.indisprimary",
    );
    for table in TABLES {
        let key = format!("{} {}", table.name, table.key.join(","));
        assert!(keys.lines().any(|line| line == key), "{key} in\n{keys}");
    }
}

/// Every column whose text is sealed, by its name: nothing of that kind leaves as it rests.
#[test]
fn every_sealed_column_is_known_as_such() {
    for table in TABLES {
        for column in table.columns {
            let is_sealed = matches!(column.kind, Kind::Sealed { .. });
            assert_eq!(
                is_sealed,
                column.name.contains("sealed"),
                "{}.{}",
                table.name,
                column.name
            );
        }
    }
}

/// An export of one engine says its schema, and is taken in by the other.
#[tokio::test]
async fn both_engines_count_their_schemas_alike() {
    let fresh = fresh().await;
    let applied = fresh.sql("SELECT max(version) FROM _sqlx_migrations");
    assert_eq!(applied, countersign_store::schema().to_string());
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
    assert_eq!(applied, "3");
}
