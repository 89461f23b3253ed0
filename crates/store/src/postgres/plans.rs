//! Every page and every filter is an index walk: each statement is asked for its generic plan, on an empty database, with
//! sequential scans at a price that nobody pays who has an index.

use countersign_cluster::{Cluster, database_for_a_test};
use sqlx::{Connection as _, PgConnection, Row as _};

use super::{PostgresOptions, PostgresStore, PostgresUrl};
use super::{audit, changes, clients, credentials, keys, operators, projects, providers, search_sql, usage};

/// What every statement of a search is given.
const SEARCH: &str = "text, bigint, bigint, text[], text[], text[], text[], text";

async fn database() -> (PgConnection, Option<Cluster>) {
    let (url, cluster) = database_for_a_test().unwrap();
    let options = PostgresOptions {
        urls: vec![PostgresUrl::parse(&url).unwrap()],
        connections: 1,
    };
    PostgresStore::migrate(&options).await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(
        "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    (connection, cluster)
}

/// The lines of the plan of a statement whose parameters have these types.
async fn plan(connection: &mut PgConnection, types: &str, sql: &str) -> Vec<String> {
    let nulls = vec!["NULL"; types.split(',').count()].join(", ");
    let script = |text: String| sqlx::raw_sql(sqlx::AssertSqlSafe(text));
    script(format!("PREPARE p ({types}) AS {sql}"))
        .execute(&mut *connection)
        .await
        .unwrap();
    let rows = script(format!("EXPLAIN (COSTS OFF) EXECUTE p ({nulls})"))
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    script("DEALLOCATE p".to_owned())
        .execute(connection)
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.get::<String, _>(0).trim().to_owned())
        .collect()
}

async fn assert_walks(statements: &[(&str, &str, &str)], may_sort: bool) {
    let (mut connection, _cluster) = database().await;
    for (name, types, sql) in statements {
        let steps = plan(&mut connection, types, sql).await;
        assert!(
            steps.iter().any(|step| step.contains("Index")),
            "{name}: {steps:#?}"
        );
        assert!(
            !steps.iter().any(|step| step.contains("Seq Scan")),
            "{name}: {steps:#?}"
        );
        let sorts = |step: &&String| step.contains("Sort");
        assert!(
            may_sort || steps.iter().find(sorts).is_none(),
            "{name}: {steps:#?}"
        );
    }
}

#[tokio::test]
async fn searches_walk_indexes() {
    let statements = [
        ("everything", SEARCH, search_sql::EVERYTHING),
        ("ids", SEARCH, search_sql::IDS),
        ("names", SEARCH, search_sql::NAMES),
        ("scopes", SEARCH, search_sql::SCOPES),
        ("any", SEARCH, search_sql::ANY),
        ("count everything", SEARCH, search_sql::COUNT_EVERYTHING),
        ("count ids", SEARCH, search_sql::COUNT_IDS),
        ("count names", SEARCH, search_sql::COUNT_NAMES),
        ("count scope", SEARCH, search_sql::COUNT_SCOPE),
        ("count scopes", SEARCH, search_sql::COUNT_SCOPES),
        ("count any", SEARCH, search_sql::COUNT_ANY),
        ("size of names", "text, text[], bigint", search_sql::SIZE_OF_NAMES),
        (
            "size of scopes",
            "text, text[], bigint",
            search_sql::SIZE_OF_SCOPES,
        ),
    ];
    assert_walks(&statements, true).await;
}

/// The walk of one value must stop at the limit, so it must come in order by itself.
#[tokio::test]
async fn the_walk_of_a_value_is_in_order_already() {
    let (mut connection, _cluster) = database().await;
    for (name, sql) in [
        ("names", search_sql::NAMES),
        ("scopes", search_sql::SCOPES),
        ("any", search_sql::ANY),
    ] {
        let steps = plan(&mut connection, SEARCH, sql).await;
        let below_limits: Vec<_> = steps
            .windows(2)
            .filter(|pair| pair[0].trim_start_matches("-> ").trim() == "Limit" && pair[1].contains("Scan"))
            .collect();
        assert!(!below_limits.is_empty(), "{name}: {steps:#?}");
        for pair in below_limits {
            assert!(pair[1].contains("Index"), "{name}: {steps:#?}");
        }
    }
}

#[tokio::test]
async fn lists_walk_indexes_without_sorting() {
    let events = "bigint, bigint, text, text, text, text, bigint, bigint";
    let statements = [
        ("everything", SEARCH, search_sql::EVERYTHING),
        ("events of an object", events, audit::BY_OBJECT),
        ("events of an actor", events, audit::BY_ACTOR),
        ("events of a project", events, audit::BY_PROJECT),
        ("all events", events, audit::BY_NOTHING),
        ("projects", "bigint, bigint", projects::LIST),
        ("project ids", "bigint, bigint", projects::IDS),
        ("keys of a project", "text", keys::OF_PROJECT),
        ("secrets of a project", "text", projects::SECRETS),
        ("counts", "text, bigint, bigint", usage::MINUTES),
    ];
    assert_walks(&statements, false).await;
}

#[tokio::test]
async fn everything_else_walks_indexes() {
    let statements = [
        ("a client", "text, text", clients::ONE),
        ("usage of a client", "text, text", usage::OF_CLIENT),
        (
            "the console's list",
            "text, bigint, bigint, text, text",
            clients::LIST,
        ),
        ("changes", "text, bigint", changes::AFTER),
        ("prune changes", "text, bigint", changes::DELETE),
        ("prune audit", "bigint, bigint", audit::PRUNE),
        ("dropped keys", "bigint", keys::DELETE_DROPPED),
        ("old counts", "bigint, bigint", usage::DELETE_MINUTES),
        (
            "projects of an operator",
            "bigint, bigint, text[]",
            projects::LIST_ONLY,
        ),
        ("a provider", "text, text", providers::ONE),
        ("providers", "text, bigint, bigint", providers::LIST),
        ("a document", "text, text", providers::DOCUMENT),
        ("its parts", "bigint", providers::PARTS),
        ("credentials", "text, text", credentials::OF_PROVIDER),
        ("an operator", "text", operators::BY_DIGEST),
        ("operators", "bigint, bigint", operators::LIST),
    ];
    assert_walks(&statements, true).await;
}

/// Nodes look at the feed four times a second, and most of what is in it they have seen long ago.
#[tokio::test]
async fn the_feed_begins_where_its_reader_stopped() {
    let (mut connection, _cluster) = database().await;
    sqlx::raw_sql(
        "INSERT INTO change (at, kind) SELECT 1, 'operators' FROM generate_series(1, 20000); ANALYZE change;
        SET enable_seqscan = on; SET enable_bitmapscan = on",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let steps = plan(&mut connection, "text, bigint", changes::AFTER).await;
    assert!(
        steps
            .iter()
            .any(|step| step.starts_with("Index Cond: (transaction >= ")),
        "{steps:#?}"
    );
    assert!(!steps.iter().any(|step| step.contains("pkey")), "{steps:#?}");
}
