//! A live API as the source, and a dual run: a second Countersign is the old service.

use std::collections::HashSet;

use serde_json::json;

use super::{client, gets_token, line, not_carried};
use crate::support::{Deployment, Ran, environment_of};

/// The old service, with clients whose secrets are in files.
fn old_service() -> Deployment {
    let old = Deployment::start();
    old.ok(&[
        "client",
        "create",
        "--id",
        "billing",
        "--name",
        "Billing",
        "--description",
        "d",
        "--scope",
        "read:usage",
        "--metadata",
        "{\"team\":\"x\"}",
        "--save",
        "billing.env",
    ]);
    old.ok(&["client", "create", "--id", "reports", "--save", "reports.env"]);
    old.ok(&["client", "create", "--id", "asleep", "--save", "asleep.env"]);
    old.ok(&["client", "update", "asleep", "--status", "inactive"]);
    old.ok(&["client", "create", "--id", "rotating", "--save", "rotating.env"]);
    old.ok(&["client", "rotate", "start", "rotating", "--save", "next.env"]);
    old
}

/// How a configuration names it.
fn setting(old: &Deployment) -> String {
    let (url, project) = (old.get("COUNTERSIGN_URL"), old.get("COUNTERSIGN_PROJECT_ID"));
    format!("old={url}/v1/public/{project}/oauth2/token")
}

/// A new one whose configuration names the old one.
fn new_service(old: &Deployment) -> Deployment {
    let mut new = Deployment::empty();
    new.set("COUNTERSIGN_DUAL_RUN_SERVICES", &setting(old));
    new.serve(&[]);
    new.set("COUNTERSIGN_OLD_PROJECT_ID", old.get("COUNTERSIGN_PROJECT_ID"));
    new.set(
        "COUNTERSIGN_OLD_PROJECT_SECRET",
        old.get("COUNTERSIGN_PROJECT_SECRET"),
    );
    new
}

fn import(new: &Deployment, old: &Deployment, more: &[&str]) -> Ran {
    let url = old.get("COUNTERSIGN_URL");
    let arguments = [
        "--json",
        "import",
        "--from",
        "stytch",
        "--old-url",
        url,
        "--dual-run",
        "old",
    ];
    new.run(&[&arguments, more].concat())
}

fn report(ran: Ran) -> serde_json::Value {
    serde_json::from_str(&ran.ok()).unwrap()
}

fn secret(old: &Deployment, file: &str) -> String {
    let environment = environment_of(&old.file(file));
    let secret = environment
        .into_iter()
        .find(|(name, _)| name == "COUNTERSIGN_CLIENT_SECRET");
    secret.unwrap().1
}

#[test]
fn clients_log_in_with_secrets_that_only_the_old_service_knows() {
    let mut old = old_service();
    let mut new = new_service(&old);
    assert_eq!(report(import(&new, &old, &["--dry-run"]))["counts"]["carried"], 4);
    assert!(
        new.json(&["client", "list"])["clients"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    let carried = report(import(&new, &old, &[]));
    assert_eq!(carried["counts"]["carried"], 4);
    assert_eq!(not_carried(&carried, "rotating"), ["next_client_secret"]);
    let (billing, there) = (client(&new, "billing"), client(&old, "billing"));
    for member in [
        "client_name",
        "client_description",
        "scopes",
        "trusted_metadata",
        "client_secret_last_four",
    ] {
        assert_eq!(billing[member], there[member], "{member}");
    }
    assert_eq!(client(&new, "asleep")["status"], "inactive");
    let again = report(import(&new, &old, &[]));
    assert_eq!(
        (
            &again["counts"]["already_there"],
            &again["counts"]["waiting_for_first_login"]
        ),
        (&json!(4), &json!(4))
    );

    let billing = secret(&old, "billing.env");
    assert_eq!(gets_token(&new, "billing", "csk_wrong"), 3);
    assert_eq!(gets_token(&new, "billing", &billing), 0);
    assert_eq!(gets_token(&new, "rotating", &secret(&old, "next.env")), 0);
    assert_eq!(
        gets_token(&new, "rotating", &secret(&old, "rotating.env")),
        3,
        "the first one counts"
    );
    assert_eq!(gets_token(&new, "asleep", &secret(&old, "asleep.env")), 3);
    let status = report(import(&new, &old, &["--dry-run"]));
    assert_eq!(status["counts"]["waiting_for_first_login"], 2);
    assert_eq!(line(&status, "reports")["dual_run"], "old");
    assert!(line(&status, "billing")["dual_run"].is_null());

    // Nobody needs the old service who has logged in once; who has not is told to wait.
    let reports = secret(&old, "reports.env");
    old.stop();
    assert_eq!(gets_token(&new, "billing", &billing), 0);
    assert_eq!(gets_token(&new, "reports", &reports), 6);

    // A configuration that does not name it any more is no reason to call a right secret wrong.
    new.stop();
    new.serve(&[]);
    assert_eq!(gets_token(&new, "billing", &billing), 0);
    assert_eq!(gets_token(&new, "reports", &reports), 6);
    assert!(new.log().contains("does not name it"), "{}", new.log());

    old.serve(&[]);
    new.stop();
    new.set("COUNTERSIGN_DUAL_RUN_SERVICES", &setting(&old));
    new.serve(&[]);
    assert_eq!(gets_token(&new, "reports", &reports), 0);
    let asleep = secret(&old, "asleep.env");
    for deployment in [&old, &new] {
        deployment.ok(&["client", "update", "asleep", "--status", "active"]);
    }
    assert_eq!(gets_token(&new, "asleep", &asleep), 0);
    let status = report(import(&new, &old, &[]));
    assert_eq!(status["counts"]["waiting_for_first_login"], 0);
}

#[test]
fn a_long_list_is_read_page_by_page() {
    let old = Deployment::start();
    let rows: Vec<_> = (0..1100)
        .map(|number| {
            let secret = "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a";
            json!({ "client_id": format!("c-{number}"), "client_secret": secret, "grant_types": ["client_credentials"] })
        })
        .collect();
    std::fs::write(old.file("rows.json"), json!(rows).to_string()).unwrap();
    old.ok(&["import", "--from", "hydra", "rows.json"]);
    let new = new_service(&old);
    let carried = report(import(&new, &old, &[]));
    assert_eq!(carried["counts"]["carried"], 1100);
    let lines = carried["clients"].as_array().unwrap();
    let ids: HashSet<_> = lines
        .iter()
        .map(|line| line["client_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 1100, "each once");
}

#[test]
fn a_stranger_and_an_unencrypted_way_are_refused() {
    let old = old_service();
    let mut new = new_service(&old);
    new.run(&[
        "import",
        "--from",
        "stytch",
        "--old-url",
        "http://old.example",
        "--dual-run",
        "old",
    ])
    .refused(2);
    new.set("COUNTERSIGN_OLD_PROJECT_SECRET", "secret-test-wrong");
    let ran = import(&new, &old, &[]);
    assert!(ran.err.contains("the old service"), "{}", ran.err);
    ran.refused(3);
    let mut unnamed = Deployment::start();
    unnamed.set("COUNTERSIGN_OLD_PROJECT_ID", old.get("COUNTERSIGN_PROJECT_ID"));
    unnamed.set(
        "COUNTERSIGN_OLD_PROJECT_SECRET",
        old.get("COUNTERSIGN_PROJECT_SECRET"),
    );
    let ran = import(&unnamed, &old, &[]);
    assert!(ran.out.contains("dual_run.services"), "{}", ran.out);
    ran.refused(1);
}
