//! What runs beside the requests: retention, and keys that have had their time.

use std::time::Duration;

use countersign::jobs::{first_panic, flush_usage, keep_house};
use countersign_core::audit::{Action, ActorKind};
use serde_json::json;

use crate::support::TestApp;
use crate::support::observed_store::Fault;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn the_audit_is_kept_for_ever_unless_asked_otherwise() {
    let app = TestApp::new().await;
    app.create_client(json!({})).await;
    let before = app.events().await;
    app.clock.advance(100 * 24 * 3600);
    keep_house(&app.app).await.unwrap();
    assert_eq!(app.events().await, before);
}

#[tokio::test]
async fn old_events_go_and_their_going_is_an_event() {
    let app = TestApp::with(|config| config.database.audit_retention = HOUR).await;
    app.create_client(json!({ "client_id": "old" })).await;
    app.clock.advance(1800);
    app.create_client(json!({ "client_id": "young" })).await;
    app.clock.advance(1801);
    keep_house(&app.app).await.unwrap();
    let left: Vec<_> = app.events().await;
    let seen: Vec<_> = left
        .iter()
        .map(|event| (event.action, event.object.as_str()))
        .collect();
    assert_eq!(
        seen,
        [(Action::ClientCreated, "young"), (Action::AuditPruned, "audit")]
    );
    assert_eq!(left[1].actor.kind, ActorKind::System);
    keep_house(&app.app).await.unwrap();
    assert_eq!(app.events().await, left, "nothing to prune, nothing to say");
}

#[tokio::test]
async fn old_counts_go() {
    let app = TestApp::with(|config| config.database.usage_retention = HOUR).await;
    let client = app.create_client(json!({})).await;
    for _ in 0..3 {
        app.token(&client).await;
        app.clock.advance(1800);
    }
    flush_usage(&app.app).await;
    assert_eq!(app.store_minutes().await.len(), 3);
    keep_house(&app.app).await.unwrap();
    assert_eq!(app.store_minutes().await.len(), 2);
}

#[tokio::test]
async fn dropped_keys_go_with_their_private_halves() {
    let app = TestApp::new().await;
    let rotate = format!("/admin/v1/projects/{}/keys/rotate", app.project.id);
    app.admin().post(&rotate, json!({})).await.ok();
    app.clock.advance(3 * 3600 + 1);
    assert!(
        app.dump()
            .await
            .contains(&format!("kid: \"{}\"", app.project.kid))
    );
    keep_house(&app.app).await.unwrap();
    assert!(
        !app.dump()
            .await
            .contains(&format!("kid: \"{}\"", app.project.kid))
    );
    app.dump().await;
}

/// A job that was interrupted finds its work again a minute later.
#[tokio::test]
async fn interrupted_housekeeping_is_done_the_next_time() {
    let app = TestApp::with(|config| config.database.audit_retention = HOUR).await;
    app.clock.advance(3601);
    app.store.fail("delete_changes", Fault::Unavailable);
    assert!(keep_house(&app.app).await.is_err());
    keep_house(&app.app).await.unwrap();
    assert_eq!(app.events().await.len(), 1);
}

/// A node without its jobs looks alive and is not: `serve` ends when this answers.
#[tokio::test]
async fn a_job_that_panics_is_noticed_and_one_that_ends_is_not() {
    let mut jobs = tokio::task::JoinSet::new();
    jobs.spawn(async {});
    let quiet = tokio::time::timeout(Duration::from_millis(50), first_panic(&mut jobs)).await;
    assert!(quiet.is_err());
    jobs.spawn(async { panic!("on purpose") });
    assert!(first_panic(&mut jobs).await.is_panic());
}
