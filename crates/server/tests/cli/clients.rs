//! `client …`

use serde_json::json;

use crate::support::{Deployment, row};

#[test]
fn a_clients_whole_life() {
    let deployment = Deployment::start();
    let shown = deployment.ok(&[
        "client",
        "create",
        "--id",
        "billing",
        "--name",
        "Billing worker",
        "--scope",
        "read:usage write:usage",
        "--metadata",
        r#"{"team":"billing","old":1}"#,
    ]);
    assert_eq!(row(&shown, "scopes"), ["scopes", "read:usage", "write:usage"]);
    assert!(row(&shown, "secret:")[2].starts_with("csk_"), "{shown}");

    let client = deployment.json(&["client", "get", "billing"]);
    assert_eq!(client["status_code"], 200);
    assert!(client["request_id"].is_string(), "the API's answer as it came");
    assert_eq!(client["m2m_client"]["client_name"], "Billing worker");

    deployment.ok(&[
        "client",
        "update",
        "billing",
        "--no-scopes",
        "--status",
        "inactive",
        "--metadata",
        r#"{"old":null,"new":2}"#,
    ]);
    let client = deployment.json(&["client", "get", "billing"]);
    assert_eq!(client["m2m_client"]["scopes"], json!([]));
    assert_eq!(client["m2m_client"]["status"], "inactive");
    assert_eq!(
        client["m2m_client"]["trusted_metadata"],
        json!({"team": "billing", "new": 2})
    );

    assert!(
        deployment
            .ok(&["client", "delete", "billing"])
            .contains("billing")
    );
    deployment.run(&["client", "get", "billing"]).refused(4);
}

#[test]
fn lists_and_searches_come_in_pages() {
    let deployment = Deployment::start();
    for number in 0..5 {
        let (id, scope) = (format!("worker-{number}"), format!("read:{}", number % 2));
        deployment.client(&["--id", &id, "--name", "Worker", "--scope", &scope]);
    }
    deployment.ok(&["client", "update", "worker-4", "--status", "inactive"]);

    let table = deployment.ok(&["client", "list", "--contains", "WORKER", "--status", "active"]);
    assert_eq!(table.lines().count(), 5, "{table}");
    assert_eq!(row(&table, "worker-2")[1..4], ["Worker", "active", "read:0"]);
    let exact = deployment.json(&["client", "search", "--scope", "read:1", "--name", "Worker"]);
    assert_eq!(exact["results_metadata"]["total"], 2);
    let any = deployment.json(&[
        "client",
        "search",
        "--any",
        "--scope",
        "read:1",
        "--client-id",
        "worker-4",
    ]);
    assert_eq!(any["results_metadata"]["total"], 3);

    let first = deployment.run(&["client", "list", "--limit", "2"]);
    assert!(first.err.contains("There are more"), "{}", first.err);
    let cursor = first.err.split_whitespace().last().unwrap();
    let second = deployment.ok(&["client", "list", "--limit", "2", "--cursor", cursor]);
    assert!(
        second.contains("worker-2") && !second.contains("worker-1"),
        "{second}"
    );
    for verb in ["list", "search"] {
        let all = deployment.ok(&["--json", "client", verb, "--limit", "2", "--all"]);
        assert_eq!(all.lines().count(), 3, "an answer a line: {all}");
        assert_eq!(
            deployment
                .ok(&["client", verb, "--limit", "2", "--all"])
                .lines()
                .count(),
            6
        );
    }
}

#[test]
fn an_own_secret_is_taken_from_a_file_or_standard_input() {
    let deployment = Deployment::start();
    let own = "it's an old secret, from elsewhere: 7Qz$ x9";
    let arguments = [
        "client",
        "create",
        "--id",
        "moved",
        "--secret-file",
        "-",
        "--save",
        "moved.env",
    ];
    deployment.run_on(&format!("{own}\n"), &arguments).ok();
    deployment.token("moved.env");
    std::fs::write(deployment.file("own.txt"), own).unwrap();
    deployment.ok(&["token", "get", "--client", "moved", "--secret-file", "own.txt"]);

    let unsaved = [
        "client",
        "create",
        "--id",
        "moved-too",
        "--secret-file",
        "own.txt",
    ];
    for arguments in [
        &unsaved[..],
        &[
            "client",
            "create",
            "--id",
            "third",
            "--secret-file",
            "own.txt",
            "--json",
        ],
    ] {
        let shown = deployment.ok(arguments);
        assert!(!shown.contains(own) && !shown.contains("only time"), "{shown}");
    }
}

#[test]
fn a_client_is_imported_by_a_digest() {
    let deployment = Deployment::start();
    let digest = "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a";
    let arguments = [
        "client",
        "import",
        "--id",
        "moved",
        "--scope",
        "read:a",
        "--digest-file",
        "-",
    ];
    let shown = deployment.run_on(digest, &arguments).ok();
    assert!(!shown.contains("XXXX"), "{shown}");
    assert_eq!(row(&shown, "scopes"), ["scopes", "read:a"]);
    std::fs::write(deployment.file("own.txt"), "U*U*U").unwrap();
    deployment.ok(&["token", "get", "--client", "moved", "--secret-file", "own.txt"]);
}

#[test]
fn one_client_may_have_tokens_of_another_profile() {
    let deployment = Deployment::start();
    deployment.ok(&["client", "create", "--id", "billing", "--save", "billing.env"]);
    let algorithm = || {
        let token = deployment.token("billing.env");
        let header = deployment.run_on(&token, &["token", "decode", "--json"]).ok();
        serde_json::from_str::<serde_json::Value>(&header).unwrap()["header"]["alg"].clone()
    };
    assert_eq!(algorithm(), "RS256");
    deployment.ok(&["client", "token-profile", "billing", "standard-es256"]);
    assert_eq!(algorithm(), "ES256");
    deployment.ok(&["client", "token-profile", "billing", "project"]);
    assert_eq!(algorithm(), "RS256");
}

#[test]
fn a_rotation_says_who_still_has_to_move() {
    let mut deployment = Deployment::start();
    deployment.ok(&["client", "create", "--id", "billing", "--save", "old.env"]);
    let idle = deployment.ok(&["client", "rotate", "status", "billing"]);
    assert!(idle.contains("No rotation is open."), "{idle}");
    deployment.ok(&["client", "rotate", "start", "billing", "--save", "new.env"]);
    deployment.token("old.env");
    deployment.token("new.env");
    // Uses are written when the server stops, at the latest.
    deployment.stop();
    deployment.serve(&[]);
    let url = deployment.get("COUNTERSIGN_URL").to_owned();

    let status = deployment.ok(&["client", "rotate", "status", "billing"]);
    assert_eq!(row(&status, "current")[4], "1", "{status}");
    assert!(
        status.contains("still in use") && status.contains("127.0.0.1 (countersign-cli/"),
        "{status}"
    );
    let answer = deployment.json(&["client", "rotate", "status", "billing"]);
    assert_eq!(answer["secrets"][1]["slot"], "next");

    deployment.ok(&["client", "rotate", "complete", "billing"]);
    deployment
        .run(&["token", "get", "--from", "old.env", "--url", &url])
        .refused(3);
    deployment.ok(&["token", "get", "--from", "new.env", "--url", &url]);
    deployment
        .run(&["client", "rotate", "cancel", "billing"])
        .refused(5);
}
