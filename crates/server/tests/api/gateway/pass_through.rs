//! The provider `countersign`: managing clients without the project's secret.

use serde_json::json;

use super::{CLIENTS, caller, refusal};
use crate::support::TestApp;

#[tokio::test]
async fn a_client_manages_clients_with_a_token_alone() {
    let app = TestApp::new().await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    let made = caller
        .post(
            CLIENTS,
            json!({ "client_name": "made", "scopes": ["read:users"] }),
        )
        .await
        .ok();
    let id = made["m2m_client"]["client_id"].as_str().unwrap();
    let secret = made["m2m_client"]["client_secret"].as_str().unwrap();
    app.ask_token(id, secret).await.ok();

    let one = format!("{CLIENTS}/{id}");
    caller.put(&one, json!({ "client_name": "renamed" })).await.ok();
    assert_eq!(
        caller.get(&one).await.ok()["m2m_client"]["client_name"],
        "renamed"
    );
    let started = caller
        .post(&format!("{one}/secrets/rotate/start"), json!({}))
        .await
        .ok();
    assert!(started["m2m_client"]["next_client_secret"].is_string());
    caller
        .post(&format!("{one}/secrets/rotate"), json!({}))
        .await
        .ok();
    caller.delete(&one).await.ok();
    app.backend()
        .get(&format!("/v1/m2m/clients/{id}"))
        .await
        .problem(404, "m2m_client_not_found");
}

#[tokio::test]
async fn the_audit_names_the_client_that_called() {
    let app = TestApp::new().await;
    let client = super::client(&app, &["gateway:countersign"]).await;
    let caller = super::bearer(&app, &super::token(&app, &client).await);
    let made = caller.post(CLIENTS, json!({})).await.ok();
    let id = made["m2m_client"]["client_id"].as_str().unwrap();
    let path = format!("/admin/v1/projects/{}/audit", app.project.id);
    let events = app.admin().get(&path).await.ok();
    let events = events["events"].as_array().unwrap();
    let event = events.iter().find(|event| event["object"] == id).unwrap();
    let actor = (&event["actor_kind"], &event["actor_id"]);
    assert_eq!(actor, (&json!("client"), &json!(client.id)), "{event}");
    assert_eq!(event["request_id"], made["request_id"]);
}

#[tokio::test]
async fn errors_of_the_provider_pass_as_they_are() {
    let app = TestApp::new().await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    let answer = caller.get(&format!("{CLIENTS}/absent")).await;
    assert_eq!(answer.header("countersign-error"), None);
    answer.problem(404, "m2m_client_not_found");
    caller
        .post(CLIENTS, json!({ "scopes": 7 }))
        .await
        .problem(400, "invalid_request_value");
}

#[tokio::test]
async fn clients_of_other_projects_do_not_exist() {
    let app = TestApp::new().await;
    let other = app.create_other_client(json!({})).await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    let answer = caller.get(&format!("{CLIENTS}/{}", other.id)).await;
    answer.problem(404, "m2m_client_not_found");
}

#[tokio::test]
async fn token_key_and_admin_routes_are_not_reached() {
    let app = TestApp::new().await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    let paths = [
        format!("/v1/public/{}/oauth2/token", app.project.id),
        format!("/v1/sessions/jwks/{}", app.project.id),
        "/v1/debug/whoami".to_owned(),
        "/admin/v1/projects".to_owned(),
        "/healthz".to_owned(),
        "/gateway/p/countersign/v1/m2m/clients/search".to_owned(),
    ];
    for path in paths {
        for method in [http::Method::GET, http::Method::POST] {
            let answer = caller
                .send(method, &format!("/gateway/p/countersign{path}"), None, "")
                .await;
            let refused = answer.json()["error_type"].clone();
            assert!(
                refused == "route_not_found" || refused == "method_not_allowed",
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_path_with_two_readings_goes_nowhere() {
    let app = TestApp::new().await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    for path in [
        "/gateway/p/countersign/v1/m2m/clients/../clients",
        "/gateway/p/countersign/v1/%2e%2e/v1/m2m/clients/x",
        "/gateway/p/countersign/v1//m2m/clients/x",
        "/gateway/p/countersign/v1/m2m%2fclients/x",
        "/gateway/p/countersign/v1/m2m/clients;a=b/x",
        "/gateway/p/countersign/v1/m2m/clients/x%00",
    ] {
        let (status, _, needed) = refusal(&caller.get(path).await);
        assert_eq!((status, needed), (400, json!(null)), "{path}");
    }
}

#[tokio::test]
async fn nobody_hands_on_gateway_scopes_beyond_their_own() {
    let app = TestApp::new().await;
    let strong = super::client(&app, &["gateway:stripe"]).await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    let made = |scope: &str| json!({ "scopes": ["read:users", scope] });
    caller
        .post(CLIENTS, made("gateway:stripe"))
        .await
        .problem(403, "insufficient_permissions");
    caller
        .post(CLIENTS, made("gateway-read:countersign"))
        .await
        .problem(403, "insufficient_permissions");
    let weak = caller.post(CLIENTS, made("gateway:countersign")).await.ok();
    let weak = format!("{CLIENTS}/{}", weak["m2m_client"]["client_id"].as_str().unwrap());
    caller
        .put(&weak, made("gateway:*"))
        .await
        .problem(403, "insufficient_permissions");
    caller.put(&weak, json!({ "scopes": ["write:users"] })).await.ok();

    let strong = format!("{CLIENTS}/{}", strong.id);
    caller
        .post(&format!("{strong}/secrets/rotate/start"), json!({}))
        .await
        .problem(403, "insufficient_permissions");
    caller
        .put(&strong, json!({ "client_name": "same scopes" }))
        .await
        .ok();
    app.backend()
        .post("/v1/m2m/clients", made("gateway:stripe"))
        .await
        .ok();
}
