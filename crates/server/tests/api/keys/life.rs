//! The life of a signing key, driven by nothing but the clock: announced, active, retired, dropped (wire contract 5).

use std::time::Duration;

use countersign_core::audit::{Action, ActorKind};
use countersign_token::Refusal;
use futures_util::future::join_all;
use serde_json::json;

use super::{arranged, published, rotate, states};
use crate::support::TestApp;
use crate::support::clock::START;
use crate::support::tokens::{kid_of, stytch_jwks_path};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

#[tokio::test]
async fn a_key_is_announced_then_signs_then_retires_then_goes() {
    let (app, client) = arranged().await;
    let old = app.project.kid.clone();
    let answer = rotate(&app, json!({})).await;
    let new = answer["key"]["kid"].as_str().unwrap().to_owned();
    assert!(new.starts_with("jwk-test-") && answer["key"]["state"] == "announced");
    let state = |kid: &str, state: &str| (kid.to_owned(), state.to_owned());
    // Seconds after the announcement, state of the old and the new key, which signs, how many are published.
    for (after, old_state, new_state, signer, count) in [
        (0, "active", "announced", &old, 2),
        (HOUR - 1, "active", "announced", &old, 2),
        (HOUR, "retired", "active", &new, 2),
        (3 * HOUR - 1, "retired", "active", &new, 2),
        (3 * HOUR, "dropped", "active", &new, 1),
        (300 * DAY, "dropped", "active", &new, 1),
    ] {
        app.clock.advance(START + after - app.clock.second());
        assert_eq!(
            states(&app).await,
            [state(&old, old_state), state(&new, new_state)],
            "after {after}"
        );
        let token = app.token(&client).await;
        assert_eq!(&kid_of(&token), signer, "after {after}");
        assert!(app.verify_stytch(&token).await.is_ok(), "after {after}");
        assert_eq!(published(&app).await, count, "after {after}");
    }
}

/// Whoever read the key set before a token was issued can verify it: that is what the announcement is for.
#[tokio::test]
async fn a_token_verifies_with_a_key_set_as_old_as_the_announcement() {
    let (app, client) = arranged().await;
    rotate(&app, json!({})).await;
    let cached = app.keys_at(&stytch_jwks_path(&app.project.id)).await;
    app.clock.advance(HOUR);
    let token = app.token(&client).await;
    assert!(cached.contains(&kid_of(&token)));
}

#[tokio::test]
async fn the_last_token_of_a_key_verifies_until_it_expires() {
    let (app, client) = arranged().await;
    rotate(&app, json!({})).await;
    app.clock.advance(HOUR - 1);
    let last = app.token(&client).await;
    assert_eq!(kid_of(&last), app.project.kid);
    app.clock.advance(HOUR - 1);
    assert!(app.verify_stytch(&last).await.is_ok());
    app.clock.advance(1);
    assert_eq!(
        app.verify_stytch(&last).await,
        Err(Refusal::Expired),
        "and not for want of its key"
    );
}

#[tokio::test]
async fn settings_decide_how_long_each_part_takes() {
    let change = |config: &mut countersign::config::Config| {
        config.keys.announce = Duration::from_secs(600);
        config.tokens.lifetime = Duration::from_secs(24 * 3600);
    };
    let app = TestApp::with(change).await;
    rotate(&app, json!({})).await;
    for (after, old_state) in [
        (599, "active"),
        (600, "retired"),
        (600 + 25 * HOUR - 1, "retired"),
        (600 + 25 * HOUR, "dropped"),
    ] {
        app.clock.advance(START + after - app.clock.second());
        assert_eq!(states(&app).await[0].1, old_state, "after {after}");
    }
}

#[tokio::test]
async fn a_second_rotation_waits_for_the_first() {
    let (app, _) = arranged().await;
    rotate(&app, json!({})).await;
    let path = format!("/admin/v1/projects/{}/keys/rotate", app.project.id);
    let before = app.dump().await;
    app.admin()
        .post(&path, json!({}))
        .await
        .problem(400, "key_already_announced");
    assert_eq!(app.dump().await, before);
    app.clock.advance(HOUR);
    rotate(&app, json!({})).await;
    assert_eq!(published(&app).await, 3);
}

#[tokio::test]
async fn of_rotations_at_the_same_time_one_succeeds() {
    let (app, _) = arranged().await;
    let path = format!("/admin/v1/projects/{}/keys/rotate", app.project.id);
    let admin = app.admin();
    let answers = join_all((0..4).map(|_| admin.post(&path, json!({})))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        let error_type = lost.json()["error_type"].as_str().unwrap().to_owned();
        assert!(
            ["key_already_announced", "write_conflict"].contains(&error_type.as_str()),
            "{error_type}"
        );
    }
    assert_eq!(states(&app).await.len(), 2);
}

#[tokio::test]
async fn each_algorithm_rotates_alone() {
    let (app, _) = arranged().await;
    for algorithm in ["ES256", "EdDSA"] {
        let answer = rotate(&app, json!({ "algorithm": algorithm })).await;
        assert_eq!(
            (&answer["key"]["algorithm"], &answer["key"]["state"]),
            (&json!(algorithm), &json!("announced"))
        );
    }
    assert_eq!(
        app.published_kids(&stytch_jwks_path(&app.project.id)).await,
        [app.project.kid.as_str()]
    );
    let path = format!("/admin/v1/projects/{}/keys/rotate", app.project.id);
    for bad in [
        json!({ "algorithm": "HS256" }),
        json!({ "algorithm": 1 }),
        json!({ "emergency": "yes" }),
    ] {
        app.admin()
            .post(&path, bad)
            .await
            .problem(400, "invalid_request_value");
    }
}

#[tokio::test]
async fn the_audit_names_the_new_key() {
    let (app, _) = arranged().await;
    let answer = rotate(&app, json!({})).await;
    let event = app.newest_event(Action::KeyAnnounced).await;
    assert_eq!(
        (event.actor.kind, &event.actor.id),
        (ActorKind::Operator, &app.operator.id)
    );
    assert_eq!(json!(event.object), answer["key"]["kid"]);
    assert_eq!(json!(event.request_id), answer["request_id"]);
    assert!(!format!("{:?}", event.after).contains("sealed"));
}
