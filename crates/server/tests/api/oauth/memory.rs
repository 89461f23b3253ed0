//! The token path asks the database for nothing that is in memory, and memory never says what is no longer true.

use std::sync::Arc;
use std::time::Duration;

use countersign::memory::feed::{Follower, Freshness};
use countersign_store::Store;
use serde_json::json;

use crate::support::TestApp;
use crate::support::observed_store::Fault;

#[tokio::test]
async fn a_token_for_a_client_in_memory_asks_the_database_nothing() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "scopes": ["a"] })).await;
    let (_, cold) = app.store.asked_during(app.token(&client)).await;
    assert_eq!(
        cold,
        ["client"],
        "the project is in memory since the client was created"
    );
    for _ in 0..3 {
        let (_, warm) = app.store.asked_during(app.token(&client)).await;
        assert!(warm.is_empty(), "{warm:?}");
    }
}

#[tokio::test]
async fn a_refusal_of_a_client_in_memory_asks_the_database_nothing() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    for (id, secret) in [(client.id.as_str(), "wrong"), ("nobody", "wrong")] {
        app.ask_token(id, secret).await.oauth(400, "invalid_client");
        let (answer, asked) = app.store.asked_during(app.ask_token(id, secret)).await;
        answer.oauth(400, "invalid_client");
        assert!(asked.is_empty(), "absence is held too: {asked:?}");
    }
}

#[tokio::test]
async fn a_token_for_a_client_in_memory_needs_no_database() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    app.token(&client).await;
    for intention in ["client", "project", "update_client", "add_usage"] {
        app.store.fail(intention, Fault::Unavailable);
    }
    app.token(&client).await;
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_a_503_and_not_a_refusal() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    app.store.fail("client", Fault::Unavailable);
    let answer = app.ask_token(&client.id, &client.secret).await;
    answer.problem(503, "service_unavailable");
    assert_eq!(answer.header("retry-after"), Some("1"));
    app.token(&client).await;
}

#[tokio::test]
async fn every_change_reaches_the_next_token() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    let backend = app.backend();
    for change in [
        json!({ "client_name": "x" }),
        json!({ "scopes": ["b"] }),
        json!({ "status": "active" }),
    ] {
        app.token(&client).await;
        backend.put("/v1/m2m/clients/worker", change).await.ok();
        let (_, asked) = app.store.asked_during(app.token(&client)).await;
        assert_eq!(asked, ["client"], "forgotten before the change was answered");
    }
}

/// What another node changes arrives through the change feed.
#[tokio::test]
async fn what_another_node_changes_is_known_after_the_next_look_at_the_feed() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    let mut follower = Follower::new(
        app.store.clone() as Arc<dyn Store>,
        app.app.memory.clone(),
        app.clock.clone(),
    );
    follower.poll().await.unwrap();
    app.token(&client).await;
    deactivate_elsewhere(&app).await;
    app.token(&client).await;
    follower.poll().await.unwrap();
    app.ask_token(&client.id, &client.secret)
        .await
        .oauth(400, "invalid_client");
}

/// A node that is cut off from the feed believes nothing it holds.
#[tokio::test]
async fn without_the_feed_nothing_in_memory_is_believed() {
    let app = TestApp::with_freshness(Freshness::new(Duration::ZERO)).await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    app.token(&client).await;
    deactivate_elsewhere(&app).await;
    app.ask_token(&client.id, &client.secret)
        .await
        .oauth(400, "invalid_client");
}

/// Writes past this node's memory, as another node does.
async fn deactivate_elsewhere(app: &TestApp) {
    use countersign_core::audit::{Action, Origin};
    use countersign_core::client::{Client, ClientStatus};
    let row = app.stored_client(&app.project, "worker").await.unwrap();
    let changed = Client {
        version: row.version + 1,
        status: ClientStatus::Inactive,
        ..row
    };
    let now = countersign::clock::Clock::now(app.clock.as_ref());
    let event = Origin::system().event(
        Action::ClientUpdated,
        Some(&app.project.project_id()),
        "worker",
        now,
        &mut countersign::chance::chance(),
    );
    app.store.update_client(&changed, &event).await.unwrap();
}
