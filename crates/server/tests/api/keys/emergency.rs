//! A compromised key: out of the key set at once, and with it every token it signed.

use countersign_core::audit::Action;
use countersign_token::Refusal;
use serde_json::{Value, json};

use crate::support::tokens::{kid_of, standard_jwks_path, stytch_jwks_path};
use crate::support::{NewClient, TestApp};

async fn rotate(app: &TestApp, emergency: bool) -> Value {
    let path = format!("/admin/v1/projects/{}/keys/rotate", app.project.id);
    app.admin()
        .post(&path, json!({ "emergency": emergency }))
        .await
        .ok()
}

async fn arranged() -> (TestApp, NewClient) {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    (app, client)
}

async fn published(app: &TestApp) -> Vec<String> {
    app.published_kids(&stytch_jwks_path(&app.project.id)).await
}

#[tokio::test]
async fn the_new_key_signs_at_once_and_the_old_one_is_not_believed_any_more() {
    let (app, client) = arranged().await;
    let old = app.token(&client).await;
    let answer = rotate(&app, true).await;
    let kid = answer["key"]["kid"].as_str().unwrap().to_owned();
    assert_eq!(answer["key"]["state"], "active");
    assert_eq!(published(&app).await, [kid.as_str()]);
    let new = app.token(&client).await;
    assert_eq!(kid_of(&new), kid);
    app.verify_stytch(&new).await.unwrap();
    assert!(matches!(
        app.verify_stytch(&old).await,
        Err(Refusal::UnknownKey { .. })
    ));
    app.newest_event(Action::KeyReplacedInEmergency).await;
}

#[tokio::test]
async fn the_answer_says_which_sdks_lag() {
    let (app, _) = arranged().await;
    let answer = rotate(&app, true).await;
    let note = answer["note"].as_str().unwrap();
    for sdk in ["Python", "Node", "Go", "Rust", "Ruby", "Java", ".NET"] {
        assert!(note.contains(sdk), "{sdk}: {note}");
    }
}

/// Whoever had the database had the announced key too.
#[tokio::test]
async fn announced_and_retired_keys_go_as_well() {
    let (app, client) = arranged().await;
    rotate(&app, false).await;
    app.clock.advance(3600);
    rotate(&app, false).await;
    assert_eq!(published(&app).await.len(), 3);
    rotate(&app, true).await;
    assert_eq!(published(&app).await.len(), 1);
    app.clock.advance(100 * 24 * 3600);
    assert_eq!(published(&app).await.len(), 1, "none comes back");
    app.verify_stytch(&app.token(&client).await).await.unwrap();
}

#[tokio::test]
async fn keys_of_other_algorithms_and_projects_stay() {
    let (app, _) = arranged().await;
    let path = standard_jwks_path(&app.project.id);
    let before = app.published_kids(&path).await;
    rotate(&app, true).await;
    let after = app.published_kids(&path).await;
    let gone: Vec<_> = before.iter().filter(|kid| !after.contains(kid)).collect();
    assert_eq!((gone, after.len()), (vec![&app.project.kid], 3));
    assert_eq!(
        app.published_kids(&stytch_jwks_path(&app.other.id)).await,
        [app.other.kid.as_str()]
    );
}

#[tokio::test]
async fn one_emergency_may_follow_another() {
    let (app, client) = arranged().await;
    for _ in 0..2 {
        rotate(&app, true).await;
        app.verify_stytch(&app.token(&client).await).await.unwrap();
    }
    assert_eq!(published(&app).await.len(), 1);
}
