//! `doctor`

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

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

const ATTACKS: [&str; 6] = [
    "attack-admission",
    "attack-paths",
    "attack-framing",
    "attack-browser",
    "attack-upstream",
    "attack-addresses",
];

fn attack(deployment: &Deployment, more: &[&str], code: i32) -> Value {
    let ran = deployment.run(&[&["doctor", "--json", "--attack"], more].concat());
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn an_attack_gets_nowhere_and_leaves_nothing() {
    let deployment = Deployment::start();
    let found = attack(&deployment, &[], 0);
    for check in ATTACKS {
        let finding = finding(&found, check);
        assert_eq!(finding["level"], "OK", "{finding}");
        let text = finding["message"].as_str().unwrap();
        assert!(text.contains(" probes, none got through"), "{text}");
    }
    let left = |command: &[&str], list| {
        let listed: Value = serde_json::from_str(&deployment.ok(command)).unwrap();
        assert_eq!(listed[list], json!([]), "{listed}");
    };
    left(&["client", "list", "--json"], "clients");
    left(&["provider", "list", "--json"], "providers");
}

/// A gateway that lets everything through and answers itself.
fn open_to_all() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _hung_up = stream.read(&mut [0; 128 * 1024]);
            let fields = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n\
                Access-Control-Allow-Private-Network: true\r\nContent-Length: 0\r\n\r\n";
            // Twice, as to one who found a second request in the first.
            let answer = format!("HTTP/1.1 200 OK\r\n{fields}").repeat(2);
            let _hung_up = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn what_gets_through_is_printed() {
    let deployment = Deployment::start();
    let found = attack(&deployment, &["--attack-gateway", &open_to_all()], 1);
    for (check, among) in [
        ("attack-admission", "11 of 12 probes got through: no token; "),
        ("attack-paths", "19 of 19 probes got through: ..; "),
        ("attack-framing", "17 of 17 probes got through: two lengths; "),
        ("attack-browser", "6 of 6 probes got through: "),
        ("attack-upstream", "the provider of the probes was not reached"),
        ("attack-addresses", "probes got through: "),
    ] {
        let finding = finding(&found, check);
        assert_eq!(finding["level"], "FAIL", "{finding}");
        assert!(finding["message"].as_str().unwrap().contains(among), "{finding}");
    }
    // They were taken away all the same.
    let listed: Value = serde_json::from_str(&deployment.ok(&["provider", "list", "--json"])).unwrap();
    assert_eq!(listed["providers"], json!([]));
}

#[test]
fn an_attack_without_rights_says_what_it_could_not_try() {
    let mut deployment = Deployment::start();
    deployment.set("COUNTERSIGN_OPERATOR_KEY", "");
    let found = attack(&deployment, &[], 0);
    for check in ["attack-upstream", "attack-addresses"] {
        assert_eq!(finding(&found, check)["level"], "WARN");
    }
    deployment.set("COUNTERSIGN_PROJECT_SECRET", "");
    assert_eq!(deployment.run(&["doctor", "--attack"]).code, 2);
}
