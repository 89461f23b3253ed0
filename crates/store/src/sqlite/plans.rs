//! Every page and every filter is an index walk: each statement is asked for its plan, on an empty database without
//! statistics, and the named indexes make it the plan of a full one.

use sqlx::{Connection, Row as _, SqliteConnection};

use super::{
    audit, changes, clients, connect, credentials, keys, migrations, operators, projects, providers,
};
use super::{search_sql, usage};

async fn database() -> (SqliteConnection, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = super::SqliteOptions {
        file: folder.path().join("plans.db"),
        max_page_count: None,
        readers: 1,
        cache_kib: 0,
    };
    let mut connection = connect::open(&connect::writer(&options).create_if_missing(true))
        .await
        .unwrap();
    migrations::migrate(&mut connection, &migrations::MIGRATIONS)
        .await
        .unwrap();
    (connection, folder)
}

async fn plan(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::raw_sql(explain).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

/// A step that reads a table from end to end. `json_each` and the steps over subqueries read values that were bound or
/// found, never a table.
fn is_table_scan(step: &str) -> bool {
    let tables = [
        "client",
        "c",
        "n",
        "client_scope",
        "s",
        "h",
        "audit",
        "change",
        "project",
        "p",
        "provider",
        "provider_document",
        "r",
        "credential",
        "operator",
        "o",
        "u",
    ];
    step.strip_prefix("SCAN ").is_some_and(|rest| {
        tables.contains(&rest.split(' ').next().unwrap_or_default()) && !rest.contains("VIRTUAL TABLE")
    })
}

async fn assert_walks(statements: &[(&str, &str)]) {
    let (mut connection, _folder) = database().await;
    for (name, sql) in statements {
        let steps = plan(&mut connection, sql).await;
        assert!(
            steps.iter().any(|step| step.starts_with("SEARCH ")),
            "{name}: {steps:#?}"
        );
        assert!(
            !steps.iter().any(|step| is_table_scan(step)),
            "{name}: {steps:#?}"
        );
    }
    connection.close().await.unwrap();
}

async fn assert_no_sort(statements: &[(&str, &str)]) {
    let (mut connection, _folder) = database().await;
    for (name, sql) in statements {
        let steps = plan(&mut connection, sql).await;
        // The scopes of one client are few.
        let sorts = |step: &&String| step.contains("TEMP B-TREE") && !step.contains("json_group_array");
        assert_eq!(steps.iter().find(sorts), None, "{name}: {steps:#?}");
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn searches_walk_indexes() {
    let statements = [
        ("everything", search_sql::EVERYTHING),
        ("ids", search_sql::IDS),
        ("names", search_sql::NAMES),
        ("scopes", search_sql::SCOPES),
        ("any", search_sql::ANY),
        ("count everything", search_sql::COUNT_EVERYTHING),
        ("count ids", search_sql::COUNT_IDS),
        ("count names", search_sql::COUNT_NAMES),
        ("count scope", search_sql::COUNT_SCOPE),
        ("count scopes", search_sql::COUNT_SCOPES),
        ("count any", search_sql::COUNT_ANY),
        ("size of names", search_sql::SIZE_OF_NAMES),
        ("size of scopes", search_sql::SIZE_OF_SCOPES),
    ];
    assert_walks(&statements).await;
}

/// The walk of one value must stop at the limit, so it must come in order by itself; only what the walks found is sorted.
#[tokio::test]
async fn the_walk_of_a_value_is_in_order_already() {
    let (mut connection, _folder) = database().await;
    for (name, sql) in [
        ("names", search_sql::NAMES),
        ("scopes", search_sql::SCOPES),
        ("any", search_sql::ANY),
    ] {
        let steps = plan(&mut connection, sql).await;
        let walks: Vec<_> = steps.split(|step| step == "CO-ROUTINE w").skip(1).collect();
        assert!(!walks.is_empty(), "{name}: {steps:#?}");
        for walk in walks {
            let end = walk.iter().position(|step| step == "SCAN w").unwrap();
            assert!(walk[0].starts_with("SEARCH "), "{name}: {walk:#?}");
            assert!(
                !walk[..end].iter().any(|step| step.contains("TEMP B-TREE")),
                "{name}: {walk:#?}"
            );
        }
    }
}

#[tokio::test]
async fn lists_walk_indexes_without_sorting() {
    let walks = [
        ("a client", clients::ONE),
        ("the console's list", clients::LIST),
        ("everything", search_sql::EVERYTHING),
        ("events of an object", audit::BY_OBJECT),
        ("events of an actor", audit::BY_ACTOR),
        ("events of a project", audit::BY_PROJECT),
        ("changes", changes::AFTER),
        ("projects", projects::LIST),
        ("project ids", projects::IDS),
        ("secrets of a project", projects::SECRETS),
        ("keys of a project", keys::OF_PROJECT),
        ("an operator", operators::BY_DIGEST),
        ("operators", operators::LIST),
        ("usage of a client", usage::OF_CLIENT),
        ("counts", usage::MINUTES),
        ("a provider", providers::ONE),
        ("providers", providers::LIST),
        ("a document", providers::DOCUMENT),
        ("its parts", providers::PARTS),
        ("credentials", credentials::OF_PROVIDER),
        ("all events", audit::BY_NOTHING),
    ];
    assert_walks(&walks).await;
    assert_no_sort(&walks).await;
}

#[tokio::test]
async fn housekeeping_walks_indexes() {
    assert_walks(&[
        ("prune audit", audit::PRUNE),
        ("dropped keys", keys::DELETE_DROPPED),
        ("old counts", usage::DELETE_MINUTES),
        ("old changes", changes::DELETE),
        ("projects of an operator", projects::LIST_ONLY),
        ("usage of secrets", usage::ADD_SECRETS),
        ("usage by minute", usage::ADD_MINUTES),
    ])
    .await;
}
