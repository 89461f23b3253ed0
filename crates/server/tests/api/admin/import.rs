//! `POST /admin/v1/projects/{project_id}/clients`: a client comes along with the digest that another system kept.

use countersign_core::audit::Action;
use serde_json::{Value, json};

use crate::support::TestApp;

/// bcrypt's own published vector.
const SECRET: &str = "U*U*U";
const DIGEST: &str = "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a";

fn path(app: &TestApp) -> String {
    format!("/admin/v1/projects/{}/clients", app.project.id)
}

fn import(beside: &Value) -> Value {
    let mut body = json!({ "client_id": "moved", "client_secret_digest": DIGEST });
    let members = beside.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    body
}

#[tokio::test]
async fn an_imported_client_keeps_its_secret_and_has_all_else_of_a_created_one() {
    let app = TestApp::new().await;
    // Its absence is held in memory, and must be forgotten.
    app.ask_token("moved", SECRET).await.oauth(400, "invalid_client");
    let body = import(&json!({
        "client_name": "Billing", "client_description": "d", "scopes": ["read:a"], "trusted_metadata": {"team": "x"},
        "client_secret_last_four": "*U*U",
    }));
    let answer = app.admin().post(&path(&app), body).await;
    let imported = answer.ok();
    assert!(!answer.text().contains(DIGEST), "a digest is not answered");
    assert_eq!(imported["client"]["client_id"], "moved");
    assert_eq!(imported["client"]["scopes"], json!(["read:a"]));
    assert_eq!(imported["client"]["trusted_metadata"], json!({"team": "x"}));
    assert_eq!(imported["secrets"][0]["last_four"], "*U*U");
    let event = app.newest_event(Action::ClientCreated).await;
    assert_eq!(
        (event.object.as_str(), event.actor.id.as_str()),
        ("moved", app.operator.id.as_str())
    );
    assert!(!format!("{event:?}").contains(DIGEST));
    app.ask_token("moved", SECRET).await.ok();
}

#[tokio::test]
async fn what_cannot_be_imported_changes_nothing() {
    let app = TestApp::new().await;
    let invalid = "m2m_client_invalid_client_secret";
    for (beside, error) in [
        (json!({ "client_secret_digest": "plaintext" }), invalid),
        (json!({ "client_secret_digest": "abandoned" }), invalid),
        (
            json!({ "client_secret_digest": "hmac-sha256$p1$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }),
            invalid,
        ),
        (
            json!({ "client_secret_digest": "$2a$31$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a" }),
            invalid,
        ),
        (json!({ "client_secret_last_four": "12345" }), invalid),
        (json!({ "client_secret_last_four": "a\nb" }), invalid),
        (json!({ "client_secret_digest": "dual-run$old" }), invalid),
        (json!({ "client_secret_digest": null }), "invalid_request_value"),
        (json!({ "client_secret": SECRET }), "invalid_request_value"),
        (
            json!({ "client_secret_dual_run": "old" }),
            "invalid_request_value",
        ),
        (
            json!({ "client_secret_digest": null, "client_secret_dual_run": "old" }),
            invalid,
        ),
        (
            json!({ "client_secret_digest": null, "client_secret": "password" }),
            "insecure_m2m_client_secret",
        ),
        (json!({ "status": "paused" }), "m2m_client_invalid_status"),
        (json!({ "client_id": "a/b" }), "m2m_client_invalid_client_id"),
        (json!({ "scopes": ["a b"] }), "invalid_m2m_client_scope"),
    ] {
        let answer = app.admin().post(&path(&app), import(&beside)).await;
        answer.problem(400, error);
        assert!(!answer.text().contains("XXXX") && !answer.text().contains("plaintext"));
    }
    assert!(app.stored_client(&app.project, "moved").await.is_none());
    app.admin().post(&path(&app), import(&json!({}))).await.ok();
    app.admin()
        .post(&path(&app), import(&json!({})))
        .await
        .problem(400, "duplicate_m2m_client_id");
}

#[tokio::test]
async fn a_secret_in_clear_is_kept_as_a_created_ones_and_not_answered() {
    const IN_CLEAR: &str = "Qn4mBz7wKf2xTs9vLp6cYd3hRg8jWe5a";
    let app = TestApp::new().await;
    let body = json!({ "client_id": "moved", "client_secret": IN_CLEAR, "status": "inactive" });
    let answer = app.admin().post(&path(&app), body).await;
    assert_eq!(answer.ok()["client"]["status"], "inactive");
    assert!(!answer.text().contains(IN_CLEAR));
    assert!(!format!("{:?}", app.events().await).contains(IN_CLEAR));
    app.ask_token("moved", IN_CLEAR)
        .await
        .oauth(400, "invalid_client");
    app.backend()
        .put("/v1/m2m/clients/moved", json!({ "status": "active" }))
        .await
        .ok();
    app.ask_token("moved", IN_CLEAR).await.ok();
}
