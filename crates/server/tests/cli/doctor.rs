//! `doctor`

use serde_json::Value;

use crate::support::{Deployment, row};

fn finding<'r>(report: &'r Value, check: &str) -> &'r Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["check"] == check).unwrap()
}

fn report(deployment: &Deployment, code: i32) -> Value {
    let ran = deployment.run(&["doctor", "--json"]);
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn a_fresh_server_is_healthy() {
    let deployment = Deployment::start();
    deployment.client(&[]);
    let table = deployment.ok(&["doctor"]);
    assert_eq!(row(&table, "signing-keys")[0], "OK");
    let report = report(&deployment, 0);
    assert_eq!(
        (&report["ok"], &report["warn"], &report["fail"]),
        (&15.into(), &0.into(), &0.into()),
        "{report}"
    );
    let url = deployment.get("COUNTERSIGN_URL");
    for finding in report["findings"].as_array().unwrap() {
        let page = format!("{url}/guide/doctor#{}", finding["check"].as_str().unwrap());
        assert_eq!(finding["page"], page);
    }
}

#[test]
fn without_credentials_it_looks_at_the_surface() {
    let mut deployment = Deployment::start();
    for name in [
        "COUNTERSIGN_PROJECT_ID",
        "COUNTERSIGN_PROJECT_SECRET",
        "COUNTERSIGN_OPERATOR_KEY",
    ] {
        deployment.set(name, "");
    }
    assert_eq!(report(&deployment, 0)["findings"].as_array().unwrap().len(), 7);
}

#[test]
fn what_is_wrong_fails_with_its_page() {
    let mut deployment = Deployment::start();
    let project = deployment.get("COUNTERSIGN_PROJECT_ID").to_owned();
    deployment.set("COUNTERSIGN_PROJECT_SECRET", "wrong");
    deployment.set("COUNTERSIGN_OPERATOR_KEY", "cso_wrong");
    let found = report(&deployment, 1);
    assert_eq!(finding(&found, "project-secret")["level"], "FAIL");
    assert_eq!(finding(&found, "operator-key")["level"], "FAIL");
    let table = deployment.run(&["doctor"]);
    assert!(table.out.contains("/guide/doctor#operator-key"), "{}", table.out);
    assert!(table.err.contains("2 checks failed"), "{}", table.err);

    deployment.set("COUNTERSIGN_PROJECT_ID", "project-test-none");
    assert_eq!(finding(&report(&deployment, 1), "key-set")["level"], "FAIL");
    deployment.set("COUNTERSIGN_PROJECT_ID", &project);
}

#[test]
fn a_server_that_moved_is_noticed() {
    let mut deployment = Deployment::start();
    deployment.stop();
    deployment.serve(&["--public-url", "https://id.example.com"]);
    let found = report(&deployment, 0);
    assert_eq!(finding(&found, "public-url")["level"], "WARN");
    assert_eq!(finding(&found, "metadata")["level"], "WARN");
}

#[test]
fn a_server_that_is_gone_is_unreachable() {
    let mut deployment = Deployment::start();
    deployment.stop();
    let found = report(&deployment, 6);
    assert_eq!(finding(&found, "reachable")["level"], "FAIL");
}
