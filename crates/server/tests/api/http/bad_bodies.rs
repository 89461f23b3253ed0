//! Bodies that no SDK sends: each refused in the right style with the right status, nothing changed, nothing repeated.

use http::Method;
use serde_json::json;

use crate::support::TestApp;
use crate::support::answer::Answer;
use crate::support::caller::{FORM, JSON};

/// Must not come back in any answer.
const MARKER: &str = "hunter2-marker";

/// Every operation that reads a body: method, path, whether it is the token endpoint.
fn operations(app: &TestApp) -> Vec<(Method, String)> {
    let project = format!("/admin/v1/projects/{}", app.project.id);
    vec![
        (Method::POST, "/v1/m2m/clients".to_owned()),
        (Method::PUT, "/v1/m2m/clients/worker".to_owned()),
        (Method::POST, "/v1/m2m/clients/search".to_owned()),
        (Method::POST, app.token_path()),
        (Method::POST, "/admin/v1/projects".to_owned()),
        (Method::PUT, project.clone()),
        (Method::POST, format!("{project}/secrets")),
        (Method::POST, format!("{project}/keys/rotate")),
        (Method::PUT, format!("{project}/clients/worker")),
        (Method::POST, "/admin/v1/operators".to_owned()),
    ]
}

async fn app_with_worker() -> TestApp {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "worker" })).await;
    app
}

async fn send(
    app: &TestApp,
    method: &Method,
    path: &str,
    content_type: &str,
    body: impl Into<Vec<u8>>,
) -> Answer {
    let caller = if path.starts_with("/admin") {
        app.admin()
    } else {
        app.backend()
    };
    let answer = caller
        .send(method.clone(), path, Some(content_type), body.into())
        .await;
    assert!(!answer.text().contains(MARKER), "{}", answer.text());
    answer
}

/// The refusal that is right for the endpoint: OAuth's words at the token endpoint, the API's elsewhere.
#[track_caller]
fn assert_refused(answer: &Answer, path: &str, status: u16, error_type: &str) {
    if path.ends_with("/oauth2/token") {
        answer.oauth(400, "invalid_request");
    } else {
        answer.problem(status, error_type);
    }
}

fn nested(depth: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}

fn unreadable() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = [
        r#"{"name":"hunter2-marker""#,
        r#"{"name":"a","name":"hunter2-marker"}"#,
        r#"{"client_id":"a","client_i\u0064":"hunter2-marker"}"#,
        r#"{"trusted_metadata":{"a":1,"a":"hunter2-marker"}}"#,
        r#"{"a":1} {"b":"hunter2-marker"}"#,
        r#"{"a":1}hunter2-marker"#,
        r#"{'name':'hunter2-marker'}"#,
        r#"{"name":hunter2-marker}"#,
        r#"{"a":NaN}"#,
        r#"{"a":1e999}"#,
        r#"{"a":01}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\x41"}"#,
        r#"{"a":1,}"#,
        r#"["hunter2-marker"]"#,
        r#""hunter2-marker""#,
        "7",
        "true",
        "{",
        "client_id=hunter2-marker",
        "\u{feff}{}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    bodies.extend([
        b"{\"name\":\"\xff\xfe\"}".to_vec(),
        b"{\"na\xc3\x28me\":\"hunter2-marker\"}".to_vec(),
        b"\0".to_vec(),
        b"{\"name\":\"a\0b\"}".to_vec(),
        b"{}\0".to_vec(),
        nested(33).into_bytes(),
        nested(10_000).into_bytes(),
        "[".repeat(100_000).into_bytes(),
    ]);
    bodies
}

#[tokio::test]
async fn what_is_no_json_object_is_refused_everywhere() {
    let app = app_with_worker().await;
    let before = app.dump().await;
    for (method, path) in operations(&app) {
        for body in unreadable() {
            let answer = send(&app, &method, &path, JSON, body.clone()).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert_eq!(answer.status, 400, "{method} {path} {shown:?}: {}", answer.text());
            assert_refused(&answer, &path, 400, "bad_request");
        }
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn metadata_may_nest_as_deep_as_a_body() {
    let app = app_with_worker().await;
    let metadata = |depth: usize| format!(r#"{{"trusted_metadata":{}}}"#, nested(depth));
    let put = |body: String| send(&app, &Method::PUT, "/v1/m2m/clients/worker", JSON, body);
    put(metadata(31)).await.ok();
    put(metadata(32)).await.problem(400, "bad_request");
}

#[tokio::test]
async fn another_media_type_is_refused_everywhere() {
    let app = app_with_worker().await;
    let before = app.dump().await;
    for (method, path) in operations(&app) {
        for content_type in [
            "text/plain",
            "text/json",
            "application/xml",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "",
            ";",
            "json",
        ] {
            let answer = send(&app, &method, &path, content_type, r#"{"name":"hunter2-marker"}"#).await;
            assert_refused(&answer, &path, 415, "unsupported_media_type");
        }
        if !path.ends_with("/oauth2/token") {
            let answer = send(&app, &method, &path, FORM, "name=hunter2-marker").await;
            answer.problem(415, "unsupported_media_type");
        }
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_everywhere() {
    let app = app_with_worker().await;
    let before = app.dump().await;
    let padded = |bytes: usize| format!("{}{{}}", " ".repeat(bytes - 2));
    for (method, path) in operations(&app) {
        for bytes in [256 * 1024 + 1, 10 * 1024 * 1024] {
            let answer = send(&app, &method, &path, JSON, padded(bytes)).await;
            assert_refused(&answer, &path, 413, "request_too_large");
        }
    }
    assert_eq!(app.dump().await, before);
    send(&app, &Method::POST, "/v1/m2m/clients", JSON, padded(256 * 1024))
        .await
        .ok();
    let app = TestApp::with(|config| config.limits.body_kib = 1).await;
    send(&app, &Method::POST, "/v1/m2m/clients", JSON, padded(1025))
        .await
        .problem(413, "request_too_large");
    send(&app, &Method::POST, "/v1/m2m/clients", JSON, padded(1024))
        .await
        .ok();
}

/// A stranger's body is never judged: who may not call learns nothing about what is expected.
#[tokio::test]
async fn who_may_not_call_hears_nothing_of_the_body() {
    let app = app_with_worker().await;
    for (method, path) in operations(&app) {
        if path.ends_with("/oauth2/token") {
            continue;
        }
        let huge = "x".repeat(1024 * 1024);
        for body in [b"{\xff".as_slice(), huge.as_bytes()] {
            let answer = app
                .anonymous()
                .send(method.clone(), &path, Some("text/plain"), body.to_vec())
                .await;
            answer.problem(401, "invalid_authorization_header");
        }
    }
}
