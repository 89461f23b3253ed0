//! What becomes of keys by themselves: old ones get successors, dropped ones are deleted.

use std::time::Duration;

use countersign::keys::making::look_after_keys;
use countersign_core::audit::{Action, ActorKind};
use countersign_store::Store;
use serde_json::json;

use super::{arranged, rotate, states};
use crate::support::TestApp;
use crate::support::tokens::{kid_of, stytch_jwks_path};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

#[tokio::test]
async fn old_keys_get_successors_by_themselves_in_every_project() {
    let (app, client) = arranged().await;
    look_after_keys(&app.app).await.unwrap();
    app.clock.advance(180 * DAY - 1);
    look_after_keys(&app.app).await.unwrap();
    assert_eq!(states(&app).await.len(), 1, "not yet");
    app.clock.advance(1);
    look_after_keys(&app.app).await.unwrap();
    look_after_keys(&app.app).await.unwrap();
    assert_eq!(states(&app).await.len(), 2, "and once");
    assert_eq!(
        app.published_kids(&stytch_jwks_path(&app.other.id)).await.len(),
        2
    );
    assert_eq!(
        kid_of(&app.token(&client).await),
        app.project.kid,
        "announced first"
    );
    let event = app.newest_event(Action::KeyAnnounced).await;
    assert_eq!((event.actor.kind, event.address), (ActorKind::System, None));
    app.clock.advance(HOUR);
    assert_ne!(kid_of(&app.token(&client).await), app.project.kid);
    look_after_keys(&app.app).await.unwrap();
    assert_eq!(states(&app).await.len(), 2, "the new key is young");
}

#[tokio::test]
async fn who_wants_no_rotation_gets_none() {
    let app = TestApp::with(|config| config.keys.rotate_every = Duration::ZERO).await;
    app.clock.advance(3650 * DAY);
    look_after_keys(&app.app).await.unwrap();
    assert_eq!(states(&app).await.len(), 1);
}

#[tokio::test]
async fn dropped_keys_are_deleted_and_nothing_misses_them() {
    let (app, client) = arranged().await;
    rotate(&app, json!({})).await;
    app.clock.advance(3 * HOUR + 1);
    app.token(&client).await;
    let now = countersign::clock::Clock::now(app.clock.as_ref());
    assert_eq!(app.store.delete_dropped_keys(now).await.unwrap(), 1);
    assert_eq!(states(&app).await.len(), 1);
    app.verify_stytch(&app.token(&client).await).await.unwrap();
}
