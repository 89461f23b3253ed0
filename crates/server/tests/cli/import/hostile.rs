//! Exports that nobody should have made.

use serde_json::{Value, json};

use super::line;
use crate::support::{Deployment, row};

const BCRYPT: &str = "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a";

fn hydra_row(beside: &Value) -> Value {
    let mut row = json!({ "client_secret": BCRYPT, "grant_types": ["client_credentials"] });
    let members = beside.as_object().unwrap().clone();
    row.as_object_mut().unwrap().extend(members);
    row
}

/// Imports rows of which some must be left out.
fn left_out(deployment: &Deployment, rows: &Value) -> Value {
    std::fs::write(deployment.file("rows.json"), rows.to_string()).unwrap();
    let ran = deployment.run(&["import", "--from", "hydra", "rows.json", "--json"]);
    let report = serde_json::from_str(&ran.out).unwrap();
    ran.refused(1);
    report
}

#[test]
fn what_the_rules_refuse_is_told_and_never_mended() {
    let deployment = Deployment::start();
    let long = "x".repeat(129);
    let big = json!({ "client_id": "big", "metadata": {"k": "x".repeat(5000)} });
    let rows = json!([
        hydra_row(&json!({ "client_id": "good", "scope": "read:a", "metadata": {"gone": null} })),
        hydra_row(&json!({ "client_id": "good" })),
        hydra_row(&json!({ "client_id": "a/b" })),
        hydra_row(&json!({ "client_id": long })),
        hydra_row(&json!({ "client_id": "esc\u{1b}[31m" })),
        hydra_row(&json!({ "client_id": "quote", "scope": "read:\"a\"" })),
        hydra_row(&json!({ "client_id": "name", "client_name": "a\u{0}b" })),
        hydra_row(&big),
        hydra_row(&json!({ "client_id": "costly", "client_secret": BCRYPT.replace("$05$", "$31$") })),
        hydra_row(&json!({ "client_id": "sha1", "client_secret": "$pbkdf2-sha1$i=1,l=20$c2FsdA$AAAA" })),
        hydra_row(&json!({ "client_id": "weak", "client_secret": "password" })),
        hydra_row(&json!({ "client_id": "secretless", "client_secret": null })),
        hydra_row(&json!({ "client_id": "keys", "token_endpoint_auth_method": "private_key_jwt" })),
        hydra_row(&json!({ "client_id": "typed", "client_secret": ["hush-hush"] })),
        hydra_row(&json!({ "client_id": 5 })),
        7,
    ]);
    let report = left_out(&deployment, &rows);
    assert_eq!(report["counts"]["carried"], 1);
    assert_eq!(report["counts"]["left_out"], 15);
    for (id, reason) in [
        ("a/b", "client_id has"),
        (long.as_str(), "client_id has"),
        ("quote", "a scope has"),
        ("name", "client_name contains a control character"),
        ("big", "at most 4096 bytes"),
        ("costly", "client_secret_digest"),
        ("sha1", "client_secret_digest"),
        ("weak", "too easy to guess"),
        ("secretless", "the table hydra_client does"),
        ("keys", "without a secret"),
        ("typed", "client_secret is not a text"),
    ] {
        let said = line(&report, id)["reason"].as_str().unwrap();
        assert!(said.contains(reason), "{id}: {said}");
    }
    let good = &report["clients"][0];
    assert_eq!(good["not_carried"][0]["field"], "metadata");
    let text = report.to_string();
    assert!(!text.contains("hush") && !text.contains("XXXX"), "{text}");
    assert_eq!(
        deployment.json(&["client", "list"])["clients"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let shown = deployment.run(&["import", "--from", "hydra", "rows.json"]);
    assert!(!shown.out.contains('\u{1b}'), "{}", shown.out);
    assert_eq!(row(&shown.out, "a/b")[0], "a/b");
}

#[test]
fn files_that_are_no_export_change_nothing() {
    let deployment = Deployment::start();
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    for text in ["{\"client_secret\": \"hush\"", "hush", deep.as_str()] {
        std::fs::write(deployment.file("bad"), text).unwrap();
        for from in ["hydra", "keycloak", "auth0"] {
            let said = deployment.run(&["import", "--from", from, "bad"]).refused(1);
            assert!(said.contains("is not JSON") && !said.contains("hush"), "{said}");
        }
    }
    let huge = std::fs::File::create(deployment.file("huge")).unwrap();
    huge.set_len(300 << 20).unwrap();
    let said = deployment.run(&["import", "--from", "hydra", "huge"]).refused(1);
    assert!(said.contains("256 MiB"), "{said}");
    assert!(
        deployment.json(&["client", "list"])["clients"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_server_that_goes_away_ends_the_import_and_the_report_is_written() {
    let mut deployment = Deployment::start();
    let rows = json!([
        hydra_row(&json!({ "client_id": "a" })),
        hydra_row(&json!({ "client_id": "person", "grant_types": ["authorization_code"] })),
    ]);
    std::fs::write(deployment.file("rows.json"), rows.to_string()).unwrap();
    deployment.stop();
    let arguments = ["import", "--from", "hydra", "rows.json", "--report"];
    deployment
        .run(&[&arguments[..], &["report.json"]].concat())
        .refused(6);
    let text = std::fs::read_to_string(deployment.file("report.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["counts"]["carried"], 0);
    deployment.serve(&[]);
    deployment.ok(&[&arguments[..], &["again.json"]].concat());
}

#[test]
fn what_does_not_go_together_is_told_at_once() {
    let deployment = Deployment::start();
    for arguments in [
        &["import", "--from", "hydra"][..],
        &["import", "--from", "hydra", "x", "--dual-run", "old"],
        &["import", "--from", "auth0", "x", "--old-project", "p"],
        &["import", "--from", "keycloak", "x", "--dual-run", "Old Service"],
        &["import", "--from", "stytch"],
        &["import", "--from", "stytch", "--dual-run", "old", "x"],
        &["import", "--from", "stytch", "--dual-run", "old"],
        &["import", "--from", "elsewhere", "x"],
    ] {
        deployment.run(arguments).refused(2);
    }
    let said = deployment.run(&["import", "--from", "stytch"]).refused(2);
    assert!(
        said.contains("--dual-run NAME") && said.contains("client create --id"),
        "{said}"
    );
}
