//! `GET /v1/debug/whoami`, and how a backend says who it is.

use serde_json::json;

use crate::support::TestApp;
use crate::support::answer::sorted_keys;

#[tokio::test]
async fn whoami_names_the_project() {
    let app = TestApp::new().await;
    let body = app.backend().get("/v1/debug/whoami").await.ok();
    assert_eq!(
        sorted_keys(&body),
        ["name", "project_id", "request_id", "status_code"]
    );
    assert_eq!(
        (&body["project_id"], &body["name"]),
        (&json!(app.project.id), &json!("a project"))
    );
    let body = app.other_backend().get("/v1/debug/whoami").await.ok();
    assert_eq!(body["project_id"], json!(app.other.id));
}

#[tokio::test]
async fn a_wrong_id_and_a_wrong_secret_are_answered_alike() {
    let app = TestApp::new().await;
    let mut answers = Vec::new();
    for (id, secret) in [
        (app.project.id.as_str(), "wrong"),
        (app.project.id.as_str(), ""),
        (app.project.id.as_str(), app.other.secret.as_str()),
        (
            "project-test-33333333-3333-4333-8333-333333333333",
            app.project.secret.as_str(),
        ),
        ("no project id at all", app.project.secret.as_str()),
        ("", ""),
        ("project-test-\0", "x"),
    ] {
        let answer = app.anonymous().basic(id, secret).get("/v1/debug/whoami").await;
        let mut body = answer.problem(401, "unauthorized_credentials");
        body["request_id"].take();
        assert!(
            answer
                .header("www-authenticate")
                .unwrap()
                .starts_with("Basic realm=")
        );
        answers.push((body, answer.headers.len()));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[tokio::test]
async fn what_is_no_basic_header_is_told_apart() {
    let app = TestApp::new().await;
    for value in [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic bm8gY29sb24=",
        "Bearer x",
        "x",
        "Basic //79",
    ] {
        let answer = app
            .anonymous()
            .header("authorization", value)
            .get("/v1/debug/whoami")
            .await;
        answer.problem(401, "invalid_authorization_header");
        assert!(answer.header("www-authenticate").is_some(), "{value}");
    }
    app.anonymous()
        .get("/v1/debug/whoami")
        .await
        .problem(401, "invalid_authorization_header");
    app.admin()
        .get("/v1/debug/whoami")
        .await
        .problem(401, "invalid_authorization_header");
}

/// Of two headers a proxy may have judged the other one.
#[tokio::test]
async fn two_headers_are_none() {
    let app = TestApp::new().await;
    let twice = app.backend().basic(&app.other.id, &app.other.secret);
    twice
        .get("/v1/debug/whoami")
        .await
        .problem(401, "invalid_authorization_header");
    let twice = app.admin().bearer(&app.operator.key);
    twice
        .get("/admin/v1/projects")
        .await
        .problem(401, "invalid_authorization_header");
}

#[tokio::test]
async fn the_scheme_may_be_written_in_any_case() {
    let app = TestApp::new().await;
    let value = crate::support::caller::basic(&app.project.id, &app.project.secret);
    for scheme in ["basic", "BASIC"] {
        let value = value.replacen("Basic", scheme, 1);
        app.anonymous()
            .header("authorization", &value)
            .get("/v1/debug/whoami")
            .await
            .ok();
    }
}
