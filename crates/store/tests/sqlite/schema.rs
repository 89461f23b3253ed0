//! The schema explains itself: a comment on every table and every column, and a unit on every time.

use std::fs;
use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use crate::fresh;

fn migrations() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

/// The comment on the line before the first one that begins with `start`.
fn comment_before(text: &str, start: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let position = lines.iter().position(|line| line.starts_with(start))?;
    lines[position.checked_sub(1)?]
        .strip_prefix("-- ")
        .map(str::to_owned)
}

async fn columns() -> Vec<(String, String)> {
    let (_store, _world, folder) = fresh().await;
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query_as(
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND t.name NOT LIKE '\\_%' ESCAPE '\\'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
}

#[tokio::test]
async fn every_table_and_every_column_says_what_it_is() {
    let text = migrations();
    let columns = columns().await;
    let tables: std::collections::BTreeSet<_> = columns.iter().map(|(table, _)| table.as_str()).collect();
    assert_eq!(tables.len(), 19, "{tables:?}");
    for table in tables {
        let create = format!("CREATE TABLE {table} (");
        let comment = comment_before(&text, &create);
        assert!(comment.is_some_and(|comment| comment.len() > 10), "{table}");
    }
    for (table, column) in columns {
        let (_, body) = text.split_once(&format!("CREATE TABLE {table} (")).unwrap();
        let comment = comment_before(body, &format!("{column} "));
        let comment = comment.unwrap_or_else(|| panic!("{table}.{column} has no comment"));
        assert!(comment.len() > 5, "{table}.{column}: {comment}");
        let is_time = column.ends_with("_at") || column == "at";
        assert!(
            !is_time || comment.contains("milliseconds"),
            "{table}.{column}: {comment}"
        );
    }
}

#[tokio::test]
async fn every_table_is_strict() {
    let (_store, _world, folder) = fresh().await;
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let lax: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict AND schema = 'main'
            AND name NOT IN ('sqlite_schema', 'sqlite_sequence', '_sqlx_migrations')",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(lax, Vec::<String>::new());
}
