//! `recover`: going on without a lost master key.

use crate::providers::{add_acme, add_acme_credential};
use crate::support::{Deployment, environment_of, is_private};

#[test]
fn clients_survive_a_lost_master_key_and_get_new_secrets() {
    let mut deployment = Deployment::start();
    deployment.ok(&[
        "client",
        "create",
        "--id",
        "c",
        "--scope",
        "read:usage",
        "--save",
        "c.env",
    ]);
    add_acme(&deployment);
    deployment.stop();
    std::fs::remove_file(deployment.data_dir().join("master.key")).unwrap();

    deployment.run_offline(&["recover"]).refused(2);
    let complaint = deployment
        .run_offline(&["recover", "--abandon-master-key"])
        .refused(2);
    assert!(complaint.contains("--yes"), "{complaint}");
    assert!(
        !deployment.data_dir().join("master.key").exists(),
        "nothing was changed"
    );
    let said = deployment
        .run_offline(&["recover", "--abandon-master-key", "--yes"])
        .ok();
    let file = said.split_whitespace().last().unwrap().to_owned();
    assert!(is_private(file.as_ref()) && !said.contains("cso_"), "{said}");

    deployment.serve(&[]);
    deployment.run(&["client", "get", "c"]).refused(3);
    deployment.run(&["client", "list"]).refused(3);
    for (name, value) in environment_of(file.as_ref()) {
        deployment.set(&name, &value);
    }
    let client = deployment.json(&["client", "get", "c"]);
    assert_eq!(client["m2m_client"]["scopes"][0], "read:usage");
    // A provider stays, and what nobody opens any more is gone and counted.
    let credentials = deployment.json(&["provider", "credential", "list", "acme"]);
    assert_eq!(credentials["credentials"].as_array().unwrap().len(), 0);
    let arguments = [
        "audit",
        "list",
        "--all-projects",
        "--action",
        "master_key_abandoned",
    ];
    let event = deployment.json(&arguments)["events"][0].take();
    assert_eq!(event["after"]["deleted_credentials"], 1);
    add_acme_credential(&deployment);

    let url = deployment.get("COUNTERSIGN_URL").to_owned();
    deployment
        .run(&["token", "get", "--from", "c.env", "--url", &url])
        .refused(3);
    deployment.ok(&["client", "rotate", "start", "c", "--save", "new.env"]);
    deployment.ok(&["client", "rotate", "complete", "c"]);
    let token = deployment.token("new.env");
    deployment
        .run_on(&token, &["token", "verify", "-", "--scope", "read:usage"])
        .ok();
}

#[test]
fn a_key_that_fits_is_not_abandoned() {
    let mut deployment = Deployment::start();
    let arguments = ["recover", "--abandon-master-key", "--yes"];
    let complaint = deployment.run_offline(&arguments).refused(5);
    assert!(complaint.contains("in use"), "{complaint}");
    deployment.stop();
    let complaint = deployment.run_offline(&arguments).refused(5);
    assert!(complaint.contains("nothing is lost"), "{complaint}");
}
