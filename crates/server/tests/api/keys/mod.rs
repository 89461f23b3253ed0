//! Signing keys at work: `src/keys`.

use serde_json::{Value, json};

use crate::support::tokens::{standard_jwks_path, stytch_jwks_path};
use crate::support::{NewClient, TestApp};

mod certificate;
mod discovery;
mod emergency;
mod housekeeping;
mod jwk_sets;
mod life;
mod profiles;

async fn arranged() -> (TestApp, NewClient) {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    (app, client)
}

async fn rotate(app: &TestApp, body: Value) -> Value {
    app.admin()
        .post(
            &format!("/admin/v1/projects/{}/keys/rotate", app.project.id),
            body,
        )
        .await
        .ok()
}

/// kid and state of each RSA key, in the order of their announcement.
async fn states(app: &TestApp) -> Vec<(String, String)> {
    let body = app
        .admin()
        .get(&format!("/admin/v1/projects/{}/keys", app.project.id))
        .await
        .ok();
    let keys = body["keys"].as_array().unwrap().iter();
    let rsa = keys.filter(|key| key["algorithm"] == "RS256");
    rsa.map(|key| {
        (
            key["kid"].as_str().unwrap().to_owned(),
            key["state"].as_str().unwrap().to_owned(),
        )
    })
    .collect()
}

/// How many RSA keys are published: all that the wire's set has, and as many of the standard one.
async fn published(app: &TestApp) -> usize {
    let kids = app.published_kids(&stytch_jwks_path(&app.project.id)).await;
    let all = app.published_kids(&standard_jwks_path(&app.project.id)).await;
    assert_eq!(all.len(), kids.len() + 2, "one each of the other algorithms");
    assert!(kids.iter().all(|kid| all.contains(kid)));
    kids.len()
}
