//! `key …`, `operator …`, `audit …`, `openapi`

use serde_json::Value;

use crate::support::{Deployment, row};

#[test]
fn keys_are_announced_and_in_an_emergency_replaced() {
    let deployment = Deployment::start();
    let first = deployment.json(&["key", "list"]);
    let first = first["keys"][0]["kid"].as_str().unwrap();
    let announced = deployment.run(&["key", "rotate"]);
    assert!(announced.err.contains("Verifiers learn"), "{}", announced.err);
    assert_eq!(row(&announced.ok(), "state"), ["state", "announced"]);
    assert_eq!(
        row(&deployment.ok(&["key", "list"]), first)[1..3],
        ["RS256", "active"]
    );
    deployment.run(&["key", "rotate"]).refused(5);

    let answer = deployment.json(&["key", "rotate", "--emergency", "--algorithm", "RS256"]);
    assert_eq!(answer["key"]["state"], "active");
    assert!(answer["note"].as_str().unwrap().contains("lag behind"));
    let eddsa = deployment.json(&["key", "rotate", "--algorithm", "EdDSA"]);
    assert_eq!(eddsa["key"]["algorithm"], "EdDSA");
}

#[test]
fn an_operator_does_what_its_role_and_reach_allow() {
    let mut deployment = Deployment::start();
    let project = deployment.get("COUNTERSIGN_PROJECT_ID").to_owned();
    deployment.ok(&[
        "operator",
        "create",
        "--name",
        "reader",
        "--project",
        &project,
        "--save",
        "reader.env",
    ]);
    let table = deployment.ok(&["operator", "list"]);
    let reader = row(&table, "reader")[0].to_owned();
    assert_eq!(row(&table, "reader")[2..4], ["read-only", project.as_str()]);

    let admin = deployment.get("COUNTERSIGN_OPERATOR_KEY").to_owned();
    let saved = crate::support::environment_of(&deployment.file("reader.env"));
    deployment.set("COUNTERSIGN_OPERATOR_KEY", &saved.last().unwrap().1);
    deployment.ok(&["client", "list"]);
    deployment.run(&["key", "rotate"]).refused(3);
    deployment.run(&["operator", "list"]).refused(3);

    let key = deployment.get("COUNTERSIGN_OPERATOR_KEY").to_owned();
    deployment.set("COUNTERSIGN_OPERATOR_KEY", &admin);
    deployment.ok(&["operator", "revoke", &reader]);
    deployment.run(&["operator", "revoke", &reader]).refused(4);
    deployment.set("COUNTERSIGN_OPERATOR_KEY", &key);
    deployment.run(&["client", "list"]).refused(3);
}

#[test]
fn the_audit_is_listed_filtered_and_exported() {
    let deployment = Deployment::start();
    let client = deployment.client(&["--name", "a"]);
    deployment.ok(&["client", "delete", &client]);

    let table = deployment.ok(&["audit", "list", "--object", &client]);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert_eq!(
        row(&table, "client_deleted")[2..4],
        [client.as_str(), "project_secret"]
    );
    let one = deployment.json(&["audit", "list", "--action", "client_created"]);
    assert_eq!(one["events"].as_array().unwrap().len(), 1);
    deployment
        .run(&["audit", "list", "--action", "nonsense"])
        .refused(1);

    let lines = |arguments: &[&str]| -> Vec<Value> {
        let text = deployment.ok(&[&["audit", "export"], arguments].concat());
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let own = lines(&[]);
    assert_eq!(own.len(), 3);
    assert_eq!(own[0]["action"], "client_deleted", "newest first");
    assert!(
        lines(&["--all-projects"]).len() > own.len(),
        "the installation's own events too"
    );
    assert!(lines(&["--until", "2020-01-01T00:00:00Z"]).is_empty());
}

#[test]
fn the_descriptions_of_both_apis_are_printed() {
    let deployment = Deployment::empty();
    let wire = deployment.ok(&["openapi"]);
    assert_eq!(deployment.ok(&["openapi", "--wire"]), wire);
    let admin = deployment.ok(&["openapi", "--admin"]);
    assert!(wire.contains("\"/v1/m2m/clients\"") && admin.contains("\"/admin/v1/projects\""));
    deployment.run(&["openapi", "--wire", "--admin"]).refused(2);
}
