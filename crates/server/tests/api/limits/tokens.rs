//! Tokens by source and by project, where somebody wants them bounded.

use futures_util::future::join_all;
use serde_json::json;

use super::{GUESSER, ask, assert_blocked};
use crate::support::{TestApp, token_request};

/// So many at once that they cannot take as many seconds.
const BURST: usize = 40;

#[tokio::test]
async fn tokens_are_bounded_by_source_when_asked_for() {
    let app = TestApp::with(|config| config.limits.tokens_per_source_per_second = 1).await;
    let client = app.create_client(json!({})).await;
    let answers = join_all((0..BURST).map(|_| ask(&app, GUESSER, &client.id, &client.secret))).await;
    assert!(answers.iter().any(|answer| answer.status == 200));
    let bounded: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(!bounded.is_empty());
    bounded.iter().for_each(|answer| assert_blocked(answer));
    ask(&app, "203.0.113.67", &client.id, &client.secret).await.ok();
    ask(&app, GUESSER, &client.id, "wrong")
        .await
        .oauth(400, "invalid_client");
}

#[tokio::test]
async fn tokens_are_bounded_by_project_when_asked_for() {
    let app = TestApp::with(|config| config.limits.tokens_per_project_per_second = 1).await;
    let client = app.create_client(json!({})).await;
    let other = app.create_other_client(json!({})).await;
    let asking = (0..BURST).map(|number| {
        let (app, client) = (&app, &client);
        async move { ask(app, &format!("203.0.113.{number}"), &client.id, &client.secret).await }
    });
    let answers = join_all(asking).await;
    let bounded = answers
        .iter()
        .find(|answer| answer.status != 200)
        .expect("one too many");
    assert_blocked(bounded);
    let path = crate::support::token_path(&app.other.id);
    let body = token_request(&other.id, &other.secret);
    app.anonymous().post(&path, body).await.ok();
}
