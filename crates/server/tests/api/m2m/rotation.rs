//! `POST /v1/m2m/clients/{client_id}/secrets/rotate…`: two secrets while open, one after (wire contract 3.6).

use countersign_core::audit::Action;
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::assert_client_shape;
use crate::support::answer::{Answer, sorted_keys};
use crate::support::{NewClient, TestApp};

async fn step(app: &TestApp, step: &str) -> Answer {
    let path = format!("/v1/m2m/clients/worker/secrets/rotate{step}");
    app.backend().post(&path, json!({})).await
}

const START: &str = "/start";
const COMPLETE: &str = "";
const CANCEL: &str = "/cancel";

async fn stable() -> (TestApp, NewClient) {
    let app = TestApp::new().await;
    let client = app
        .create_client(json!({ "client_id": "worker", "scopes": ["a"] }))
        .await;
    (app, client)
}

/// A client with an open rotation, and its next secret.
async fn rotating() -> (TestApp, NewClient, String) {
    let (app, client) = stable().await;
    let body = step(&app, START).await.ok();
    let next = body["m2m_client"]["next_client_secret"]
        .as_str()
        .unwrap()
        .to_owned();
    (app, client, next)
}

async fn works(app: &TestApp, secret: &str) -> bool {
    let answer = app.ask_token("worker", secret).await;
    if answer.status != 200 {
        answer.oauth(400, "invalid_client");
    }
    answer.status == 200
}

fn last_four(secret: &str) -> Value {
    json!(secret[secret.len() - 4..])
}

// ## The three steps

#[tokio::test]
async fn starting_makes_a_second_secret_beside_the_first() {
    let (app, client) = stable().await;
    let body = step(&app, START).await.ok();
    assert_eq!(sorted_keys(&body), ["m2m_client", "request_id", "status_code"]);
    let shown = &body["m2m_client"];
    assert_client_shape(shown, &["next_client_secret"]);
    let next = shown["next_client_secret"].as_str().unwrap();
    assert_ne!(next, client.secret);
    assert_eq!(shown["client_secret_last_four"], last_four(&client.secret));
    assert_eq!(shown["next_client_secret_last_four"], last_four(next));
    assert!(works(&app, &client.secret).await && works(&app, next).await);
    let later = app.backend().get("/v1/m2m/clients/worker").await;
    assert_eq!(
        later.ok()["m2m_client"]["next_client_secret_last_four"],
        last_four(next)
    );
    assert!(!later.text().contains(next), "shown once");
    let row = app.stored_client(&app.project, "worker").await.unwrap();
    assert!(
        row.next_secret
            .unwrap()
            .digest
            .to_string()
            .starts_with("hmac-sha256$")
    );
    app.newest_event(Action::RotationStarted).await;
}

#[tokio::test]
async fn completing_makes_the_next_secret_the_only_one() {
    let (app, client, next) = rotating().await;
    let body = step(&app, COMPLETE).await.ok();
    assert_client_shape(&body["m2m_client"], &[]);
    assert_eq!(body["m2m_client"]["client_secret_last_four"], last_four(&next));
    assert_eq!(body["m2m_client"]["next_client_secret_last_four"], Value::Null);
    assert!(!works(&app, &client.secret).await, "the old one dies at once");
    assert!(works(&app, &next).await);
    let event = app.newest_event(Action::RotationCompleted).await;
    let both = format!("{:?}{:?}", event.before, event.after);
    assert!(!both.contains(&next) && !both.contains(&client.secret) && !both.contains("hmac"));
}

#[tokio::test]
async fn cancelling_discards_the_next_secret() {
    let (app, client, next) = rotating().await;
    let body = step(&app, CANCEL).await.ok();
    assert_client_shape(&body["m2m_client"], &[]);
    assert_eq!(
        body["m2m_client"]["client_secret_last_four"],
        last_four(&client.secret)
    );
    assert_eq!(body["m2m_client"]["next_client_secret_last_four"], Value::Null);
    assert!(works(&app, &client.secret).await);
    assert!(!works(&app, &next).await);
    app.newest_event(Action::RotationCancelled).await;
}

#[tokio::test]
async fn a_step_out_of_turn_is_refused_and_changes_nothing() {
    let (app, _) = stable().await;
    let before = app.dump().await;
    step(&app, COMPLETE)
        .await
        .problem(400, "m2m_client_not_rotating_secret");
    step(&app, CANCEL)
        .await
        .problem(400, "m2m_client_not_rotating_secret");
    assert_eq!(app.dump().await, before);
    let (app, client, next) = rotating().await;
    let before = app.dump().await;
    step(&app, START)
        .await
        .problem(400, "m2m_client_already_rotating_secret");
    assert_eq!(app.dump().await, before);
    assert!(works(&app, &client.secret).await && works(&app, &next).await);
}

#[tokio::test]
async fn rotations_follow_one_another() {
    let (app, client) = stable().await;
    let mut dead = Vec::new();
    let mut current = client.secret.clone();
    for round in 0..4 {
        let next = step(&app, START).await.ok()["m2m_client"]["next_client_secret"]
            .as_str()
            .unwrap()
            .to_owned();
        if round % 2 == 0 {
            step(&app, COMPLETE).await.ok();
            dead.push(std::mem::replace(&mut current, next));
        } else {
            step(&app, CANCEL).await.ok();
            dead.push(next);
        }
        assert!(works(&app, &current).await);
        for secret in &dead {
            assert!(!works(&app, secret).await, "round {round}");
        }
    }
}

#[tokio::test]
async fn only_one_of_many_who_start_or_complete_at_once_succeeds() {
    let (app, client) = stable().await;
    let started = join_all((0..6).map(|_| step(&app, START))).await;
    assert_eq!(started.iter().filter(|answer| answer.status == 200).count(), 1);
    for late in started.iter().filter(|answer| answer.status != 200) {
        late.problem(400, "m2m_client_already_rotating_secret");
    }
    let won = started.iter().find(|answer| answer.status == 200).unwrap();
    let next = won.json()["m2m_client"]["next_client_secret"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        works(&app, &next).await,
        "the secret that was shown is the one that was kept"
    );
    let completed = join_all((0..6).map(|_| step(&app, COMPLETE))).await;
    assert_eq!(completed.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(works(&app, &next).await && !works(&app, &client.secret).await);
}

// ## Around it

#[tokio::test]
async fn a_rotating_client_may_be_changed_and_deactivated() {
    let (app, client, next) = rotating().await;
    let patch = json!({ "status": "inactive", "client_name": "x" });
    let body = app.backend().put("/v1/m2m/clients/worker", patch).await.ok();
    assert_eq!(
        body["m2m_client"]["next_client_secret_last_four"],
        last_four(&next)
    );
    assert!(!works(&app, &client.secret).await && !works(&app, &next).await);
    app.backend()
        .put("/v1/m2m/clients/worker", json!({ "status": "active" }))
        .await
        .ok();
    assert!(works(&app, &client.secret).await && works(&app, &next).await);
}

#[tokio::test]
async fn tokens_already_out_survive_a_rotation() {
    let (app, client, _) = rotating().await;
    let token = app.token(&client).await;
    step(&app, COMPLETE).await.ok();
    assert!(app.verify_stytch(&token).await.is_ok());
}

#[tokio::test]
async fn an_unknown_client_cannot_be_rotated() {
    let app = TestApp::new().await;
    for path in [START, COMPLETE, CANCEL] {
        step(&app, path).await.problem(404, "m2m_client_not_found");
    }
}

/// SDKs send `{}`, the id once more, or nothing at all (wire contract 1.2). No next secret can be imported.
#[tokio::test]
async fn whatever_body_comes_along_decides_nothing() {
    let (app, _) = stable().await;
    let path = "/v1/m2m/clients/worker/secrets/rotate/start";
    for body in [
        "",
        "{}",
        r#"{"client_id":"another"}"#,
        r#"{"next_client_secret":"ardent-Mulberry/Quilt.92"}"#,
        "null",
        "[]",
    ] {
        let answer = app
            .backend()
            .send(Method::POST, path, Some("application/json"), body)
            .await
            .ok();
        assert_ne!(
            answer["m2m_client"]["next_client_secret"],
            "ardent-Mulberry/Quilt.92"
        );
        step(&app, CANCEL).await.ok();
    }
}
