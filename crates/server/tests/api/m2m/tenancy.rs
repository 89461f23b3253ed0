//! Another project's clients are, on every route, exactly as unknown as clients that never were.

use http::Method;
use serde_json::json;

use crate::support::{TestApp, token_path, token_request};

/// Every route with a client id in it: method, what follows the id, body.
const ROUTES: [(Method, &str, &str); 6] = [
    (Method::GET, "", ""),
    (
        Method::PUT,
        "",
        r#"{"client_name":"stolen","scopes":["x"],"status":"inactive"}"#,
    ),
    (Method::DELETE, "", ""),
    (Method::POST, "/secrets/rotate/start", "{}"),
    (Method::POST, "/secrets/rotate", "{}"),
    (Method::POST, "/secrets/rotate/cancel", "{}"),
];

#[tokio::test]
async fn another_projects_client_looks_like_none_on_every_route() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "worker" })).await;
    let before = app.dump().await;
    for (method, tail, body) in ROUTES {
        let call = |id: &str| {
            let path = format!("/v1/m2m/clients/{id}{tail}");
            let (caller, method) = (app.other_backend(), method.clone());
            async move { caller.send(method, &path, Some("application/json"), body).await }
        };
        let (theirs, nobodys) = (call("worker").await, call("nobody").await);
        theirs.problem(404, "m2m_client_not_found");
        assert_eq!(
            theirs.without_request_id(),
            nobodys.without_request_id(),
            "{method} {tail}"
        );
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn another_projects_rotation_is_out_of_reach() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    app.backend()
        .post("/v1/m2m/clients/worker/secrets/rotate/start", json!({}))
        .await
        .ok();
    let before = app.dump().await;
    for tail in ["", "/cancel", "/start"] {
        let path = format!("/v1/m2m/clients/worker/secrets/rotate{tail}");
        app.other_backend()
            .post(&path, json!({}))
            .await
            .problem(404, "m2m_client_not_found");
    }
    assert_eq!(app.dump().await, before);
    app.token(&client).await;
}

#[tokio::test]
async fn equal_ids_in_two_projects_are_two_clients() {
    let app = TestApp::new().await;
    let own = app
        .create_client(json!({ "client_id": "worker", "scopes": ["own"] }))
        .await;
    let others = app
        .create_other_client(json!({ "client_id": "worker", "scopes": ["others"] }))
        .await;
    let ask = |project: &str, secret: &str| {
        let (path, caller) = (token_path(project), app.anonymous());
        let body = token_request("worker", secret);
        async move { caller.post(&path, body).await }
    };
    ask(&app.project.id, &own.secret).await.ok();
    ask(&app.other.id, &others.secret).await.ok();
    ask(&app.project.id, &others.secret)
        .await
        .oauth(400, "invalid_client");
    ask(&app.other.id, &own.secret).await.oauth(400, "invalid_client");
    app.other_backend().delete("/v1/m2m/clients/worker").await.ok();
    ask(&app.project.id, &own.secret).await.ok();
    ask(&app.other.id, &others.secret)
        .await
        .oauth(400, "invalid_client");
}

#[tokio::test]
async fn a_search_never_crosses_projects() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "worker", "client_name": "n", "scopes": ["s"] }))
        .await;
    for (name, value) in [("client_id", "worker"), ("client_name", "n"), ("scopes", "s")] {
        let operand = json!({ "filter_name": name, "filter_value": [value] });
        let body = json!({ "query": { "operator": "OR", "operands": [operand] } });
        let found = app
            .other_backend()
            .post("/v1/m2m/clients/search", body)
            .await
            .ok();
        assert_eq!(
            (&found["m2m_clients"], &found["results_metadata"]["total"]),
            (&json!([]), &json!(0))
        );
    }
}
