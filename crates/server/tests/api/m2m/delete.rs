//! `DELETE /v1/m2m/clients/{client_id}`

use countersign::jobs;
use countersign_core::audit::Action;
use serde_json::json;

use crate::support::TestApp;
use crate::support::answer::sorted_keys;
use crate::support::observed_store::Fault;

#[tokio::test]
async fn a_deleted_client_is_gone_from_every_answer_and_its_tokens_go_on() {
    let app = TestApp::new().await;
    let client = app
        .create_client(json!({ "client_id": "worker", "scopes": ["a"] }))
        .await;
    let token = app.token(&client).await;
    let body = app.backend().delete("/v1/m2m/clients/worker").await.ok();
    assert_eq!(sorted_keys(&body), ["client_id", "request_id", "status_code"]);
    assert_eq!(body["client_id"], "worker");
    let backend = app.backend();
    backend
        .get("/v1/m2m/clients/worker")
        .await
        .problem(404, "m2m_client_not_found");
    backend
        .put("/v1/m2m/clients/worker", json!({}))
        .await
        .problem(404, "m2m_client_not_found");
    backend
        .delete("/v1/m2m/clients/worker")
        .await
        .problem(404, "m2m_client_not_found");
    let found = backend.post("/v1/m2m/clients/search", json!({})).await.ok();
    assert_eq!(
        (&found["m2m_clients"], &found["results_metadata"]["total"]),
        (&json!([]), &json!(0))
    );
    app.ask_token("worker", &client.secret)
        .await
        .oauth(400, "invalid_client");
    assert!(
        app.verify_stytch(&token).await.is_ok(),
        "tokens already out stay valid"
    );
    assert!(app.stored_client(&app.project, "worker").await.is_none());
}

/// What is deleted is what was looked at.
#[tokio::test]
async fn a_client_that_changes_meanwhile_is_not_deleted() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "worker" })).await;
    let before = app.dump().await;
    app.store.fail("delete_client", Fault::Stale);
    let answer = app.backend().delete("/v1/m2m/clients/worker").await;
    answer.problem(409, "write_conflict");
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn the_audit_remembers_what_was_deleted() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "worker", "client_name": "Ada" }))
        .await;
    let answer = app.backend().delete("/v1/m2m/clients/worker").await;
    answer.ok();
    let event = app.newest_event(Action::ClientDeleted).await;
    assert_eq!(
        (event.object.as_str(), event.request_id.as_str()),
        ("worker", answer.request_id())
    );
    assert_eq!(
        (&event.before.unwrap()["client_name"], event.after),
        (&json!("Ada"), None)
    );
}

#[tokio::test]
async fn an_id_may_be_used_again_and_inherits_nothing() {
    let app = TestApp::new().await;
    let first = app
        .create_client(json!({ "client_id": "worker", "scopes": ["admin"] }))
        .await;
    app.token(&first).await;
    jobs::flush_usage(&app.app).await;
    app.backend().delete("/v1/m2m/clients/worker").await.ok();
    let second = app.create_client(json!({ "client_id": "worker" })).await;
    assert_eq!(second.view["scopes"], json!([]));
    app.ask_token("worker", &first.secret)
        .await
        .oauth(400, "invalid_client");
    let detail = app
        .admin()
        .get(&format!("/admin/v1/projects/{}/clients/worker", app.project.id))
        .await
        .ok();
    assert_eq!(
        detail["secrets"][0]["tokens"], 0,
        "the use of the first is not the use of the second"
    );
    let claims = app.verify_stytch(&app.token(&second).await).await.unwrap();
    assert_eq!(claims.scope, "");
}

/// A use that was recorded and not yet written when its client went must not come back to its successor.
#[tokio::test]
async fn pending_usage_of_a_deleted_client_is_dropped() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    app.token(&client).await;
    app.backend().delete("/v1/m2m/clients/worker").await.ok();
    jobs::flush_usage(&app.app).await;
    let minutes = app.store_minutes().await;
    assert_eq!(minutes, [(1, 0)], "the project's count is kept");
}
