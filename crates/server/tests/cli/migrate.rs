//! `countersign migrate`, and what `serve` does with a schema that it may not change.

use std::path::PathBuf;

use countersign_cluster::{Cluster, Durability};
use countersign_store::{Schema, SqliteOptions, SqliteStore, Store};

use crate::support::{BINARY, Deployment, Ran};

fn database(deployment: &Deployment) -> PathBuf {
    deployment.data_dir().join("countersign.db")
}

/// A database as the program before left it.
async fn make_previous(deployment: &Deployment) {
    std::fs::create_dir(deployment.data_dir()).unwrap();
    let options = SqliteOptions {
        file: database(deployment),
        max_page_count: None,
        readers: 1,
        cache_kib: 0,
    };
    let store = SqliteStore::open_as_previous(options).await.unwrap();
    store.close().await;
}

async fn schema(deployment: &Deployment) -> Schema {
    SqliteStore::schema(&database(deployment)).await.unwrap()
}

#[tokio::test]
async fn a_check_says_what_is_missing_and_migrate_does_it() {
    let deployment = Deployment::empty();
    make_previous(&deployment).await;
    let before = schema(&deployment).await;
    let check = deployment.run_offline(&["migrate", "--check"]);
    assert_eq!(check.code, 7, "{}{}", check.out, check.err);
    assert!(
        check.out.contains(&format!("missing: {}", before.missing[0])),
        "{}",
        check.out
    );
    assert_eq!(schema(&deployment).await, before);

    let (from, to) = (before.version, before.program);
    let migrated = deployment.run_offline(&["migrate"]).ok();
    assert_eq!(migrated, format!("The schema was brought from {from} to {to}.\n"));
    let again = deployment.run_offline(&["migrate"]).ok();
    assert_eq!(again, format!("The schema is up to date: {to}.\n"));
    let check = deployment.run_offline(&["--json", "migrate", "--check"]).ok();
    assert_eq!(
        check,
        format!("{{\"missing\":[],\"program\":{to},\"schema\":{to}}}\n")
    );
}

#[tokio::test]
async fn a_server_that_may_not_migrate_runs_on_the_previous_schema() {
    let mut deployment = Deployment::empty();
    make_previous(&deployment).await;
    let before = schema(&deployment).await;
    deployment.set("COUNTERSIGN_DATABASE_MIGRATE", "false");
    deployment.serve(&[]);
    deployment.stop();
    assert_eq!(schema(&deployment).await, before);
    deployment.set("COUNTERSIGN_DATABASE_MIGRATE", "true");
    deployment.serve(&[]);
    deployment.stop();
    assert_eq!(schema(&deployment).await.missing, Vec::<String>::new());
}

#[test]
fn a_server_that_may_not_migrate_refuses_a_database_without_a_schema() {
    let deployment = Deployment::empty();
    let refused = deployment.serve_refused(&[("COUNTERSIGN_DATABASE_MIGRATE", "false")]);
    assert!(refused.refused(1).contains("countersign migrate"));
    assert!(!database(&deployment).exists());
    deployment.run_offline(&["migrate", "--check"]).refused(4);
    let made = deployment.run_offline(&["migrate"]).ok();
    assert!(made.starts_with("The schema was made: "), "{made}");
}

#[test]
fn nobody_migrates_under_a_server_on_sqlite() {
    let deployment = Deployment::start();
    let refused = deployment.run_offline(&["migrate"]).refused(5);
    assert!(refused.contains("in use"), "{refused}");
    deployment.run_offline(&["migrate", "--check"]).ok();
}

#[test]
fn on_postgresql_several_migrate_at_once_and_one_does_it() {
    let cluster = Cluster::start(Durability::Quick, &[]).unwrap();
    let mut deployment = Deployment::empty();
    let url = cluster.database().unwrap();
    deployment.set("COUNTERSIGN_DATABASE_URL", &url);
    let refused = deployment.serve_refused(&[("COUNTERSIGN_DATABASE_MIGRATE", "false")]);
    assert!(refused.refused(1).contains("countersign migrate"));
    assert_eq!(deployment.run(&["migrate", "--check"]).code, 7);

    let start = || {
        let mut command = deployment.command(BINARY);
        command.arg("migrate").stdout(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let ran: Vec<_> = [start(), start(), start()]
        .into_iter()
        .map(|migrating| Ran::of(migrating.wait_with_output().unwrap()).ok())
        .collect();
    let did_it = ran
        .iter()
        .filter(|said| said.starts_with("The schema was made: "));
    assert_eq!(did_it.count(), 1, "{ran:?}");
    deployment.run(&["migrate", "--check"]).ok();

    // A later program has taken something away.
    let name = url.rsplit_once('/').unwrap().1;
    cluster
        .sql(name, "UPDATE compatibility SET oldest_program = 9999")
        .unwrap();
    let key = ("COUNTERSIGN_MASTER_KEY", "00".repeat(32));
    let refused = deployment.serve_refused(&[(key.0, &key.1)]).refused(1);
    assert!(refused.contains("made by a later version"), "{refused}");
    assert!(!refused.contains("cluster-password"), "{refused}");
    deployment.run(&["migrate"]).refused(1);
}
