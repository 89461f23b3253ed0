//! What the eight SDKs send that a strict server would refuse (wire contract 1.2): a line for each.

use http::Method;
use serde_json::json;

use crate::support::TestApp;
use crate::support::caller::{JSON, basic};

struct Quirk {
    who: &'static str,
    method: Method,
    path: &'static str,
    content_type: Option<&'static str>,
    body: &'static str,
}

const CLIENT: &str = "/v1/m2m/clients/m2m-client-test-1";
const ENCODED_CLIENT: &str = "/v1/m2m/clients/m2m%2Dclient%2Dtest%2D1";
const NULLS_CREATE: &str = r#"{"scopes":["a"],"client_id":null,"client_secret":null,"client_name":null,"client_description":null,"trusted_metadata":null}"#;
const NULLS_UPDATE: &str = r#"{"client_id":"m2m-client-test-1","client_name":"x","client_description":null,"status":null,"scopes":null,"trusted_metadata":null}"#;
const JAVA_UPDATE: &str = r#"{"client_name":"x","scopes":[],"trusted_metadata":{}}"#;

fn quirks() -> Vec<Quirk> {
    let utf8 = Some("application/json; charset=utf-8");
    let json = Some(JSON);
    let lines = [
        (
            ".NET: a charset",
            Method::POST,
            "/v1/m2m/clients",
            utf8,
            r#"{"scopes":["a"]}"#,
        ),
        (
            "upper case",
            Method::POST,
            "/v1/m2m/clients",
            Some("Application/JSON;Charset=UTF-8"),
            r#"{"scopes":["a"]}"#,
        ),
        (
            "no media type at all",
            Method::POST,
            "/v1/m2m/clients",
            None,
            r#"{"scopes":["a"]}"#,
        ),
        (
            "Go: no scopes",
            Method::POST,
            "/v1/m2m/clients",
            json,
            r#"{"client_name":"x"}"#,
        ),
        (
            "Rust, PHP: nulls on create",
            Method::POST,
            "/v1/m2m/clients",
            json,
            NULLS_CREATE,
        ),
        (
            "Java: empty metadata",
            Method::POST,
            "/v1/m2m/clients",
            json,
            r#"{"scopes":["a"],"trusted_metadata":{}}"#,
        ),
        (
            "PHP: an empty array as object",
            Method::POST,
            "/v1/m2m/clients",
            json,
            r#"{"scopes":[],"trusted_metadata":[]}"#,
        ),
        (
            "an unknown field",
            Method::POST,
            "/v1/m2m/clients",
            json,
            r#"{"scopes":[],"organization":{"id":1}}"#,
        ),
        ("no body", Method::POST, "/v1/m2m/clients", json, ""),
        (
            "curl in the guides: trailing slash",
            Method::POST,
            "/v1/m2m/clients/",
            json,
            "{}",
        ),
        ("Rust: GET with a body", Method::GET, ENCODED_CLIENT, json, "{}"),
        (
            "Rust: GET with a query",
            Method::GET,
            "/v1/m2m/clients/m2m%2Dclient%2Dtest%2D1?client_id=m2m-client-test-1",
            json,
            "{}",
        ),
        (
            "Python: GET with a query",
            Method::GET,
            "/v1/m2m/clients/m2m-client-test-1?client_id=m2m-client-test-1",
            None,
            "",
        ),
        ("Ruby: an unencoded path", Method::GET, CLIENT, None, ""),
        (
            "Rust: GET whoami with null",
            Method::GET,
            "/v1/debug/whoami",
            json,
            "null",
        ),
        (
            "Node: search with {}",
            Method::POST,
            "/v1/m2m/clients/search",
            json,
            "{}",
        ),
        (
            "Rust: search with nulls",
            Method::POST,
            "/v1/m2m/clients/search",
            json,
            r#"{"cursor":null,"limit":null,"query":null}"#,
        ),
        (
            "PHP: search with []",
            Method::POST,
            "/v1/m2m/clients/search",
            json,
            "[]",
        ),
        (
            "PHP: search without a body",
            Method::POST,
            "/v1/m2m/clients/search",
            None,
            "",
        ),
        (
            "Python: PUT with the id",
            Method::PUT,
            CLIENT,
            json,
            r#"{"client_id":"m2m-client-test-1","client_name":"x"}"#,
        ),
        (
            "Rust: nulls on update",
            Method::PUT,
            ENCODED_CLIENT,
            json,
            NULLS_UPDATE,
        ),
        ("Java: update", Method::PUT, CLIENT, json, JAVA_UPDATE),
        (
            "PHP: update with an empty array",
            Method::PUT,
            CLIENT,
            json,
            r#"{"trusted_metadata":[]}"#,
        ),
        ("update without a body", Method::PUT, CLIENT, json, ""),
        (
            "Node: start with {}",
            Method::POST,
            "/v1/m2m/clients/m2m-client-test-1/secrets/rotate/start",
            json,
            "{}",
        ),
        (
            "PHP: cancel without a body",
            Method::POST,
            "/v1/m2m/clients/m2m-client-test-1/secrets/rotate/cancel",
            None,
            "",
        ),
        (
            "Go: start with the id",
            Method::POST,
            "/v1/m2m/clients/m2m-client-test-1/secrets/rotate/start",
            json,
            r#"{"client_id":"m2m-client-test-1"}"#,
        ),
        (
            "Rust: complete with the id",
            Method::POST,
            "/v1/m2m/clients/m2m%2Dclient%2Dtest%2D1/secrets/rotate",
            json,
            r#"{"client_id":"m2m-client-test-1"}"#,
        ),
        (
            ".NET: DELETE with the id",
            Method::DELETE,
            CLIENT,
            utf8,
            r#"{"client_id":"m2m-client-test-1"}"#,
        ),
    ];
    let to_quirk = |(who, method, path, content_type, body)| Quirk {
        who,
        method,
        path,
        content_type,
        body,
    };
    lines.into_iter().map(to_quirk).collect()
}

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
