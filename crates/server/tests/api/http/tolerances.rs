//! Nothing that an SDK sends is refused for its form (wire contract 1.2).

use http::Method;
use serde_json::json;

use super::quirks::quirks;
use crate::support::TestApp;
use crate::support::caller::{JSON, basic};

/// In their order, on one client.
#[tokio::test]
async fn every_quirk_of_every_sdk_is_served() {
    let app = TestApp::new().await;
    let scopes = json!(["read:a"]);
    app.create_client(
        json!({ "client_id": "m2m-client-test-1", "scopes": scopes, "trusted_metadata": { "k": 1 } }),
    )
    .await;
    let backend = app.backend();
    for quirk in quirks() {
        let answer = backend
            .send(quirk.method, quirk.path, quirk.content_type, quirk.body)
            .await;
        assert_eq!(answer.status, 200, "{}: {}", quirk.who, answer.text());
        if let Some(client) = app.stored_client(&app.project, "m2m-client-test-1").await {
            assert_eq!(
                (json!(client.scopes), json!(client.metadata)),
                (scopes.clone(), json!({ "k": 1 })),
                "{}",
                quirk.who
            );
        }
    }
    assert!(
        app.stored_client(&app.project, "m2m-client-test-1")
            .await
            .is_none(),
        "the last one deletes"
    );
}

#[tokio::test]
async fn delete_works_with_and_without_a_body() {
    let app = TestApp::new().await;
    for (content_type, body) in [
        (None, ""),
        (Some(JSON), "{}"),
        (Some(JSON), ""),
        (Some(JSON), "null"),
    ] {
        let client = app.create_client(json!({})).await;
        let path = crate::support::client_path(&client.id);
        app.backend()
            .send(Method::DELETE, &path, content_type, body)
            .await
            .ok();
    }
}

/// Key sets are read with whatever headers an SDK always sends (wire contract 1.1).
#[tokio::test]
async fn key_sets_ignore_whatever_credentials_come() {
    let app = TestApp::new().await;
    let credentials = [
        basic(&app.project.id, "wrong"),
        basic(&app.other.id, &app.other.secret),
        "Basic !!!".to_owned(),
        "Bearer nonsense".to_owned(),
        String::new(),
    ];
    for path in ["/v1/sessions/jwks/", "/v1/b2b/sessions/jwks/"] {
        let path = format!("{path}{}", app.project.id);
        for value in &credentials {
            let caller = app.anonymous().header("authorization", value);
            caller.get(&path).await.ok();
            caller.send(Method::GET, &path, Some(JSON), "null").await.ok();
        }
    }
}
