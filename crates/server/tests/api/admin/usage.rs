//! `/admin/v1/projects/{project_id}/usage`: minute by minute.

use countersign::jobs;
use serde_json::{Value, json};

use crate::support::answer::sorted_keys;
use crate::support::{TestApp, token_path, token_request};

async fn minutes(app: &TestApp, query: &str) -> Value {
    let path = format!("/admin/v1/projects/{}/usage{query}", app.project.id);
    let mut body = app.admin().get(&path).await.ok();
    assert_eq!(sorted_keys(&body), ["minutes", "request_id", "status_code"]);
    body["minutes"].take()
}

#[tokio::test]
async fn tokens_and_refusals_are_counted_by_minute_and_project() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    let other = app.create_other_client(json!({})).await;
    app.token(&client).await;
    app.token(&client).await;
    app.ask_token(&client.id, "wrong").await;
    let body = token_request(&other.id, &other.secret);
    app.anonymous().post(&token_path(&app.other.id), body).await.ok();
    app.clock.advance(60);
    app.token(&client).await;
    assert_eq!(minutes(&app, "").await, json!([]), "written in batches");
    jobs::flush_usage(&app.app).await;
    let first = json!({ "minute": "2027-01-15T08:00:00Z", "issued": 2, "refused": 1 });
    let second = json!({ "minute": "2027-01-15T08:01:00Z", "issued": 1, "refused": 0 });
    assert_eq!(minutes(&app, "").await, json!([first, second]));
    assert_eq!(
        minutes(&app, "?since=2027-01-15T08:01:00Z").await,
        json!([second])
    );
    assert_eq!(
        minutes(&app, "?since=2027-01-15T09:01:00%2B01:00").await,
        json!([second])
    );
    app.token(&client).await;
    jobs::flush_usage(&app.app).await;
    assert_eq!(minutes(&app, "").await[1]["issued"], 2, "added up");
    app.clock.advance(3600);
    assert_eq!(
        minutes(&app, "").await.as_array().unwrap().len(),
        1,
        "the last hour, unless asked for more"
    );
}

#[tokio::test]
async fn what_is_no_time_is_refused() {
    let app = TestApp::new().await;
    for bad in ["yesterday", "1800000000", "2027-01-15", "%ff"] {
        let path = format!("/admin/v1/projects/{}/usage?since={bad}", app.project.id);
        app.admin().get(&path).await.problem(400, "invalid_request_value");
    }
}

/// Usage may not hold up anything, and a batch that cannot be written goes with the next one.
#[tokio::test]
async fn a_batch_that_could_not_be_written_goes_with_the_next() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    app.token(&client).await;
    app.store
        .fail("add_usage", crate::support::observed_store::Fault::Unavailable);
    jobs::flush_usage(&app.app).await;
    app.token(&client).await;
    jobs::flush_usage(&app.app).await;
    assert_eq!(app.store_minutes().await, [(2, 0)]);
    let (_, asked) = app.store.asked_during(jobs::flush_usage(&app.app)).await;
    assert!(asked.is_empty(), "nothing pending, nothing written");
}
