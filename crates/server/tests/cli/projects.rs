//! `project …` and `project secret …`

use crate::support::{Deployment, row};

#[test]
fn a_project_is_made_found_and_changed() {
    let deployment = Deployment::start();
    let shown = deployment.ok(&["project", "create", "--name", "payments", "--environment", "live"]);
    let id = row(&shown, "project")[2].to_owned();
    assert!(id.starts_with("project-live-"), "{shown}");
    assert!(row(&shown, "secret:")[1].starts_with("secret-live-"), "{shown}");

    let table = deployment.ok(&["project", "list"]);
    assert_eq!(row(&table, &id)[1..4], ["payments", "live", "stytch"]);
    let all = deployment.json(&["project", "list"]);
    assert_eq!(all["projects"].as_array().unwrap().len(), 2);

    deployment.ok(&[
        "project",
        "update",
        &id,
        "--name",
        "pay",
        "--token-profile",
        "standard-eddsa",
    ]);
    let project = deployment.json(&["project", "get", &id]);
    assert_eq!(project["project"]["name"], "pay");
    assert_eq!(project["project"]["token_profile"], "standard-eddsa");
    deployment.run(&["project", "update", &id]).refused(2);
    let own = deployment.json(&["project", "get"]);
    assert_eq!(
        own["project"]["project_id"],
        deployment.get("COUNTERSIGN_PROJECT_ID")
    );
    deployment
        .run(&["project", "create", "--name", "twice", "--id", &id])
        .refused(5);
    deployment
        .run(&["project", "get", "project-test-none"])
        .refused(4);
}

#[test]
fn a_secret_works_until_it_is_revoked() {
    let mut deployment = Deployment::start();
    let made = deployment.json(&["project", "secret", "create", "--name", "pipeline"]);
    let secret = made["project_secret"]["secret"].as_str().unwrap();
    let id = made["project_secret"]["secret_id"].as_str().unwrap();
    deployment.set("COUNTERSIGN_PROJECT_SECRET", secret);
    deployment.client(&[]);

    assert_eq!(
        row(&deployment.ok(&["project", "secret", "list"]), id)[1],
        "pipeline"
    );
    assert!(deployment.ok(&["project", "secret", "revoke", id]).contains(id));
    deployment.run(&["client", "create"]).refused(3);
    deployment.run(&["project", "secret", "revoke", id]).refused(4);
    let list = deployment.json(&["project", "secret", "list"]);
    assert!(list["project_secrets"][1]["revoked_at"].is_string());
}
