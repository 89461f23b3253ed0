//! Signatures are computed in a bounded queue: when it is full, later requests hear so at once.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::TestApp;

/// One thread signs and one job may wait, so most of these many requests find the queue full: handing in a job takes
/// microseconds, an RSA signature most of a millisecond.
const REQUESTS: usize = 400;

#[tokio::test]
async fn a_full_queue_is_an_early_503_and_everybody_else_gets_a_token() {
    let app = TestApp::with(|config| config.limits.signing_queue = 1).await;
    let client = app.create_client(json!({})).await;
    app.token(&client).await;
    let answers = join_all((0..REQUESTS).map(|_| app.ask_token(&client.id, &client.secret))).await;
    let (served, turned_away): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(
        !served.is_empty() && !turned_away.is_empty(),
        "{} served",
        served.len()
    );
    for answer in turned_away {
        answer.problem(503, "service_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    app.token(&client).await;
    countersign::jobs::flush_usage(&app.app).await;
    let (issued, refused) = app.store_minutes().await[0];
    assert_eq!(
        (issued as usize, refused),
        (served.len() + 2, 0),
        "who was turned away is no use of the secret"
    );
}

#[tokio::test]
async fn a_long_queue_turns_nobody_away() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    for answer in join_all((0..100).map(|_| app.ask_token(&client.id, &client.secret))).await {
        answer.ok();
    }
}
