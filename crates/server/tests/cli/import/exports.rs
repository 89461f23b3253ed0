//! Exports in files: Hydra's, Keycloak's and Auth0's.

use serde_json::json;

use super::{client, export, gets_token, line, not_carried};
use crate::support::{Deployment, is_private, row};

const BILLING: &str = "3f1d2b57-8a0c-4c6e-9b1e-0d7a4f5e6c21";
const INVENTORY: &str = "bT4kQ8wN2mZ6xR1vJ7cY3pL9sD5fG0hA";
const NIGHTLY: &str = "mX7dV2hC9gB4nK1sQ6tZ8wE3rY5uJ0pL";

/// Which clients' digests were replaced by their first login, so far.
fn upgraded(deployment: &Deployment) -> Vec<String> {
    let answer = deployment.json(&["audit", "list", "--action", "digest_upgraded"]);
    let events = answer["events"].as_array().unwrap();
    let mut ids: Vec<_> = events
        .iter()
        .map(|event| event["actor_id"].as_str().unwrap_or_default().to_owned())
        .collect();
    ids.sort_unstable();
    ids
}

#[test]
fn hydras_clients_log_in_with_their_secrets_and_get_digests_of_ours() {
    let mut deployment = Deployment::start();
    let rows = export("hydra-rows.jsonl");
    let dry = deployment.json(&["import", "--from", "hydra", &rows, "--dry-run"]);
    assert_eq!(dry["counts"]["carried"], 2);
    assert_eq!(
        gets_token(&deployment, "reports", "hyd-Reports_3kV8nB5cX1"),
        3,
        "nothing was written"
    );

    let report = deployment.json(&["import", "--from", "hydra", &rows]);
    assert_eq!(
        report["counts"],
        json!({"carried": 2, "already_there": 0, "waiting_for_first_login": 0, "passed_over": 1, "left_out": 0})
    );
    assert_eq!(line(&report, "shop")["outcome"], "passed_over");
    assert_eq!(
        not_carried(&report, BILLING),
        [
            "audience",
            "client_credentials_grant_access_token_lifespan",
            "owner"
        ]
    );
    assert_eq!(
        not_carried(&report, "reports"),
        ["rotated_secrets", "grant_types"]
    );
    let billing = client(&deployment, BILLING);
    assert_eq!(billing["client_name"], "Billing worker");
    assert_eq!(billing["scopes"], json!(["read:usage", "write:invoices"]));
    assert_eq!(billing["trusted_metadata"], json!({"team": "billing", "tier": 2}));

    for (id, secret) in [
        (BILLING, "hyd-Billing_7fQ2mZ9xT4"),
        ("reports", "hyd-Reports_3kV8nB5cX1"),
    ] {
        assert_eq!(gets_token(&deployment, id, "hyd-Wrong_1"), 3);
        assert_eq!(gets_token(&deployment, id, secret), 0);
    }
    // A digest is replaced in the background; a server that stopped has done it.
    deployment.stop();
    deployment.serve(&[]);
    assert_eq!(upgraded(&deployment), [BILLING, "reports"]);
    assert_eq!(gets_token(&deployment, "reports", "hyd-Reports_3kV8nB5cX1"), 0);
    assert_eq!(upgraded(&deployment).len(), 2, "once is enough");

    let again = deployment.json(&["import", "--from", "hydra", &rows]);
    assert_eq!(
        (&again["counts"]["carried"], &again["counts"]["already_there"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(
        gets_token(&deployment, "reports", "hyd-Reports_3kV8nB5cX1"),
        0,
        "left alone"
    );
}

#[test]
fn keycloaks_service_accounts_come_along_with_secrets_in_clear() {
    let deployment = Deployment::start();
    let realm = export("keycloak-realm.json");
    let arguments = ["import", "--from", "keycloak", &realm, "--report", "report.json"];
    let shown = deployment.ok(&arguments);
    assert_eq!(row(&shown, "carried")[1], "2");
    assert_eq!(row(&shown, "attributes.access.token.lifespan").last(), Some(&"1"));
    let text = std::fs::read_to_string(deployment.file("report.json")).unwrap();
    assert!(is_private(&deployment.file("report.json")));
    for secret in [
        "kVx7Qm2ZpR9sTn4LwB6dYc8FhJ3gXa5E",
        "tH5rWz8NcK2vPq7MxJ4bGf9DsL6yEa3U",
        "rotated-Secret-of",
    ] {
        assert!(!text.contains(secret) && !shown.contains(secret));
    }
    let report = serde_json::from_str(&text).unwrap();
    assert_eq!(line(&report, "account")["outcome"], "passed_over");
    assert_eq!(
        not_carried(&report, "ledger"),
        [
            "attributes.access.token.lifespan",
            "built-in client scopes",
            "optionalClientScopes",
            "service account"
        ]
    );
    assert_eq!(
        not_carried(&report, "mailer"),
        [
            "attributes.client.secret.rotated",
            "attributes.client.secret.rotated.expiration.time",
            "built-in client scopes"
        ]
    );

    assert_eq!(
        gets_token(&deployment, "ledger", "kVx7Qm2ZpR9sTn4LwB6dYc8FhJ3gXa5E"),
        0
    );
    let ledger = client(&deployment, "ledger");
    assert_eq!(ledger["scopes"], json!(["ledger:write", "ledger:read"]));
    assert_eq!(ledger["client_description"], "Books what billing sends.");
    assert_eq!(client(&deployment, "mailer")["status"], "inactive");
    deployment.ok(&["client", "update", "mailer", "--status", "active"]);
    assert_eq!(
        gets_token(&deployment, "mailer", "tH5rWz8NcK2vPq7MxJ4bGf9DsL6yEa3U"),
        0
    );
    assert_eq!(
        gets_token(&deployment, "mailer", "rotated-Secret-of-the-mailer-41"),
        3
    );
    deployment.run(&arguments).refused(5);
}

#[test]
fn auth0s_machine_clients_come_along_with_the_scopes_of_their_grants() {
    let deployment = Deployment::start();
    let (clients, grants) = (export("auth0-clients.json"), export("auth0-client-grants.json"));
    let report = deployment.json(&["import", "--from", "auth0", &clients, &grants]);
    assert_eq!(report["counts"]["carried"], 2);
    assert_eq!(report["counts"]["passed_over"], 2);
    assert_eq!(
        not_carried(&report, INVENTORY),
        ["jwt_configuration.lifetime_in_seconds", "client grants"]
    );
    assert_eq!(not_carried(&report, NIGHTLY), ["client grants"]);
    let inventory = client(&deployment, INVENTORY);
    assert_eq!(
        inventory["scopes"],
        json!(["read:stock", "write:stock", "read:orders"])
    );
    assert_eq!(
        inventory["trusted_metadata"],
        json!({"team": "stock", "cost_center": "4711"})
    );
    for (id, secret) in [
        (
            INVENTORY,
            "Yp3_sV8kLm2Nq7RtXw5ZbCd9FgHj4KoP6uEaTi1QySxWvBn0McUzJhGfDrAeLlOO",
        ),
        (
            NIGHTLY,
            "Kd8-fWq2ZtYx6PbLmNc4VgRh7JsTu9AeQk1XoDi3EwSyHzGvBj5CaUrOlMnFpIWW",
        ),
    ] {
        assert_eq!(gets_token(&deployment, id, secret), 0);
        assert_eq!(gets_token(&deployment, id, "wrong"), 3);
    }
}
