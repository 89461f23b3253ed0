//! Paths, methods, and the tolerance for both (wire contract 1, 1.2).

use countersign::openapi::{admin_document, wire_document};
use http::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, token_request};

/// Every path of both documents with the methods it has, names of parameters replaced by something.
fn documented_paths() -> Vec<(String, Vec<String>)> {
    let mut paths = Vec::new();
    for document in [wire_document(), admin_document()] {
        let document = serde_json::to_value(document).unwrap();
        for (path, operations) in document["paths"].as_object().unwrap() {
            let methods = operations
                .as_object()
                .unwrap()
                .keys()
                .map(|method| method.to_uppercase())
                .collect();
            let concrete = path.replace(['{', '}'], "");
            paths.push((concrete, methods));
        }
    }
    paths
}

// ## Slashes and encodings

#[tokio::test]
async fn trailing_and_doubled_slashes_do_not_matter() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    let backend = app.backend();
    for path in [
        "/v1/debug/whoami/",
        "//v1/debug/whoami",
        "/v1//debug///whoami//",
        "/v1/m2m/clients/worker/",
        "//v1/m2m/clients/worker?x=//",
    ] {
        backend.get(path).await.ok();
    }
    for path in [
        "/v1/m2m/clients/",
        "//v1/m2m/clients",
        "/v1/m2m/clients/search/",
        "/v1/m2m/clients/worker/secrets/rotate/start/",
    ] {
        backend.post(path, json!({})).await.ok();
    }
    app.anonymous()
        .get(&format!("//v1/sessions/jwks/{}/", app.project.id))
        .await
        .ok();
    let token_path = format!("//v1/public/{}/oauth2/token/", app.project.id);
    let body = token_request(&client.id, &client.secret);
    app.anonymous().post(&token_path, body).await.ok();
}

/// A proxy may guard `/admin` by comparing paths, and another spelling must not get around it.
#[tokio::test]
async fn other_paths_are_taken_as_they_are() {
    let app = TestApp::new().await;
    for path in [
        "//admin/v1/projects",
        "/admin/v1/projects/",
        "/admin//v1/projects",
        "/%61dmin/v1/projects",
        "/v1/../admin/v1/projects",
        "/v1//../admin/v1/projects",
    ] {
        app.admin().get(path).await.problem(404, "route_not_found");
    }
}

#[tokio::test]
async fn a_path_is_decoded_once() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "m2m-client-test-1@x:y" }))
        .await;
    for id in [
        "m2m%2Dclient%2Dtest%2D1%40x%3Ay",
        "m2m-client-test-1@x:y",
        "%6D2m-client-test-1%40x:y",
    ] {
        let body = app.backend().get(&format!("/v1/m2m/clients/{id}")).await.ok();
        assert_eq!(body["m2m_client"]["client_id"], "m2m-client-test-1@x:y");
    }
    let encoded_project = app.project.id.replace('-', "%2D");
    app.anonymous()
        .get(&format!("/v1/sessions/jwks/{encoded_project}"))
        .await
        .ok();
    for id in [
        "m2m%252Dclient%252Dtest%252D1%2540x%253Ay",
        "%ff",
        "%00",
        "%E2%28%A1",
    ] {
        let answer = app.backend().get(&format!("/v1/m2m/clients/{id}")).await;
        assert!(answer.status.is_client_error());
        assert!(
            ["bad_request", "m2m_client_not_found"].contains(&answer.json()["error_type"].as_str().unwrap())
        );
    }
}

#[tokio::test]
async fn paths_are_not_guessed_at() {
    let app = TestApp::new().await;
    for path in [
        "/v1",
        "/v1/m2m",
        "/V1/m2m/clients",
        "/v1/m2m/clients/a/b",
        "/v1/m2m/client",
        "/v2/m2m/clients",
        "/admin",
        "/admin/v1",
        "/metrics",
        "/.env",
        "/v1/m2m/clients/worker/secrets",
        "/console",
        "/errors/a/b",
        "/v1/m2m/clients/%2e%2e/%2e%2e",
        "/%00",
        "/v1/m2m/clients/worker/secrets/rotate/finish",
        "/v1/sessions/jwks",
        "/v1/public/x/oauth2/introspect",
    ] {
        let answer = app.backend().get(path).await;
        assert!(
            [404, 405].contains(&answer.status.as_u16()),
            "{path}: {}",
            answer.text()
        );
        assert!(
            !answer.text().contains(path),
            "nothing of the request is repeated: {}",
            answer.text()
        );
    }
    app.backend()
        .get("/v1/nothing")
        .await
        .problem(404, "route_not_found");
    app.anonymous()
        .post("/nothing", json!({}))
        .await
        .problem(404, "route_not_found");
}

#[tokio::test]
async fn parameters_of_the_query_that_nobody_knows_are_passed_over() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "worker" })).await;
    for query in [
        "client_id=worker",
        "client_id=another",
        "a=1&a=2",
        "%00=%ff",
        "==&&",
    ] {
        let body = app
            .backend()
            .get(&format!("/v1/m2m/clients/worker?{query}"))
            .await
            .ok();
        assert_eq!(body["m2m_client"]["client_id"], "worker");
    }
}

// ## Methods

#[tokio::test]
async fn a_method_that_a_path_has_not_is_405_and_says_which_it_has() {
    let app = TestApp::new().await;
    let before = app.dump().await;
    for (path, has) in documented_paths() {
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
        ] {
            let known = has.iter().any(|known| known == method)
                || (method == "HEAD" && has.contains(&"GET".to_owned()));
            if known {
                continue;
            }
            let answer = app
                .anonymous()
                .send(method.parse().unwrap(), &path, None, "")
                .await;
            if method != "HEAD" {
                answer.problem(405, "method_not_allowed");
            }
            let allowed = answer
                .header("allow")
                .unwrap_or_else(|| panic!("RFC 9110 15.5.6: {method} {path}"));
            for method in &has {
                assert!(
                    allowed.split(',').any(|allowed| allowed.trim() == method),
                    "{path}: {allowed}"
                );
            }
        }
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let app = TestApp::new().await;
    let caller = app.anonymous();
    for path in [
        "/healthz",
        "/openapi.json",
        &format!("/v1/sessions/jwks/{}", app.project.id),
    ] {
        let answer = caller.send(Method::HEAD, path, None, "").await;
        assert_eq!(answer.status, 200, "{path}");
    }
    let answer = caller.send(Method::HEAD, "/v1/debug/whoami", None, "").await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn both_documents_are_served_with_this_servers_address() {
    let app = TestApp::new().await;
    for (path, document) in [
        ("/openapi.json", wire_document()),
        ("/admin/openapi.json", admin_document()),
    ] {
        let mut served = app.anonymous().get(path).await.ok();
        assert_eq!(served["servers"], json!([{ "url": "https://id.example" }]));
        served.as_object_mut().unwrap().remove("servers");
        let committed: Value = serde_json::to_value(document).unwrap();
        assert_eq!(served, committed);
    }
}
