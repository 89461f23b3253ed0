//! Who is not who it says it is: one answer for all reasons, to the byte.

use serde_json::json;

use super::{GRANT, ask};
use crate::support::answer::Answer;
use crate::support::caller::{FORM, JSON, basic};
use crate::support::{TestApp, token_path, token_request};

/// The credentials of somebody who gets no token: why, the project in the path, id, secret.
type Stranger = (&'static str, String, String, String);

/// An app with everybody who must be refused.
async fn arranged() -> (TestApp, Vec<Stranger>) {
    let app = TestApp::new().await;
    let backend = app.backend();
    let active = app.create_client(json!({ "client_id": "active" })).await;
    let inactive = app.create_client(json!({ "client_id": "inactive" })).await;
    backend
        .put("/v1/m2m/clients/inactive", json!({ "status": "inactive" }))
        .await
        .ok();
    let deleted = app.create_client(json!({ "client_id": "deleted" })).await;
    backend.delete("/v1/m2m/clients/deleted").await.ok();
    let foreign = app.create_other_client(json!({ "client_id": "foreign" })).await;
    let own = app.project.id.clone();
    let stranger = |why, project: &str, id: &str, secret: &str| {
        (why, project.to_owned(), id.to_owned(), secret.to_owned())
    };
    let strangers = vec![
        stranger("wrong secret", &own, "active", "wrong"),
        stranger(
            "wrong by one character",
            &own,
            "active",
            &active.secret[..active.secret.len() - 1],
        ),
        stranger("another client's secret", &own, "active", &inactive.secret),
        stranger("unknown client", &own, "nobody", &active.secret),
        stranger("inactive", &own, "inactive", &inactive.secret),
        stranger("inactive with a wrong secret", &own, "inactive", "wrong"),
        stranger("deleted", &own, "deleted", &deleted.secret),
        stranger("another project's client", &own, "foreign", &foreign.secret),
        stranger(
            "unknown project",
            "project-test-33333333-3333-4333-8333-333333333333",
            "active",
            &active.secret,
        ),
        stranger("no project id", "nonsense", "active", &active.secret),
        stranger(
            "a project id that does not decode",
            "%ff",
            "active",
            &active.secret,
        ),
        stranger("the project itself", &own, &own, &app.project.secret),
        stranger("no client id", &own, "a b", "x"),
        stranger("an endless id", &own, &"x".repeat(5000), "x"),
    ];
    (app, strangers)
}

fn assert_all_alike(answers: &[(&str, Answer)], status: u16) {
    let (_, first) = &answers[0];
    for (why, answer) in answers {
        answer.oauth(status, "invalid_client");
        assert_eq!(answer.without_request_id(), first.without_request_id(), "{why}");
    }
}

#[tokio::test]
async fn every_reason_for_a_refusal_looks_the_same() {
    let (app, strangers) = arranged().await;
    let mut answers = Vec::new();
    for (why, project, id, secret) in &strangers {
        let body = token_request(id, secret);
        answers.push((*why, app.anonymous().post(&token_path(project), body).await));
    }
    assert_all_alike(&answers, 400);
    assert!(answers[0].1.header("www-authenticate").is_none());
    assert_eq!(answers[0].1.header("content-type"), Some(JSON));
}

/// RFC 6749 section 5.2: who tried Basic is told so with 401 and WWW-Authenticate.
#[tokio::test]
async fn every_reason_for_a_refusal_by_basic_looks_the_same() {
    let (app, strangers) = arranged().await;
    let mut answers = Vec::new();
    for (why, project, id, secret) in &strangers {
        let caller = app.anonymous().header("authorization", &basic(id, secret));
        answers.push((*why, caller.form(&token_path(project), GRANT).await));
    }
    assert_all_alike(&answers, 401);
    let scheme = answers[0].1.header("www-authenticate").unwrap();
    assert!(scheme.starts_with("Basic realm="), "{scheme}");
}

/// The one thing that tells projects apart is the environment in the request id, which the caller wrote itself.
#[tokio::test]
async fn a_live_project_refuses_with_a_live_request_id() {
    let app = TestApp::new().await;
    for project in [&app.other.id, "project-live-unknown"] {
        let body = token_request("x", "y");
        let answer = app.anonymous().post(&token_path(project), body).await;
        answer.oauth(400, "invalid_client");
        assert!(answer.request_id().starts_with("request-id-live-"));
    }
}

#[tokio::test]
async fn deactivation_holds_from_the_next_request_on_and_ends_with_reactivation() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    let token = app.token(&client).await;
    app.backend()
        .put("/v1/m2m/clients/worker", json!({ "status": "inactive" }))
        .await
        .ok();
    app.ask_token(&client.id, &client.secret)
        .await
        .oauth(400, "invalid_client");
    assert!(
        app.verify_stytch(&token).await.is_ok(),
        "tokens already out stay valid"
    );
    app.backend()
        .put("/v1/m2m/clients/worker", json!({ "status": "active" }))
        .await
        .ok();
    app.token(&client).await;
}

#[tokio::test]
async fn a_client_made_after_it_was_asked_for_is_known_at_once() {
    let app = TestApp::new().await;
    let secret = "zDd7JqRk1oGm-PzfyC4yTKbT0XrWm_EwX8V2bHhXnUw";
    app.ask_token("worker", secret).await.oauth(400, "invalid_client");
    app.create_client(json!({ "client_id": "worker", "client_secret": secret }))
        .await;
    app.ask_token("worker", secret).await.ok();
}

#[tokio::test]
async fn refusals_are_counted_for_the_project_alone() {
    let (app, strangers) = arranged().await;
    for (_, project, id, secret) in &strangers {
        let body = format!("client_id={id}&client_secret={secret}&{GRANT}");
        app.anonymous().form(&token_path(project), &body).await;
    }
    let client = app.create_client(json!({ "scopes": ["a"] })).await;
    let body = format!(
        "client_id={}&client_secret={}&{GRANT}&scope=b",
        client.id, client.secret
    );
    ask(&app, Some(FORM), None, body)
        .await
        .oauth(400, "invalid_scope");
    countersign::jobs::flush_usage(&app.app).await;
    let (issued, refused) = app.store_minutes().await[0];
    assert_eq!(issued, 0);
    assert!(
        refused >= 6,
        "known clients refused, and one for its scope: {refused}"
    );
}
