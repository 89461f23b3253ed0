//! A source that guesses is told to wait; nobody else is.

use super::{GUESSER, REFUSALS, app, ask, ask_by, assert_blocked, guess_until_blocked};
use crate::support::TestApp;
use crate::support::tokens::stytch_jwks_path;
use serde_json::json;

#[tokio::test]
async fn a_source_that_guesses_is_told_to_wait_and_no_other() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    let guesser = app.anonymous().at(GUESSER);
    let refused = guess_until_blocked(&app, &guesser, &client).await;
    assert_eq!(
        refused,
        REFUSALS + 1,
        "the last one is still told that it was wrong"
    );
    assert_blocked(&ask(&app, GUESSER, "another", "x").await);
    ask(&app, "203.0.113.67", &client.id, "wrong")
        .await
        .oauth(400, "invalid_client");
}

/// The lockout that is none: a correct secret from a source without failures always passes.
#[tokio::test]
async fn a_flood_against_a_client_does_not_hurt_the_client() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    for number in 0..30 {
        let guesser = app.anonymous().at(&format!("203.0.113.{number}"));
        guess_until_blocked(&app, &guesser, &client).await;
        ask(&app, "198.51.100.1", &client.id, &client.secret).await.ok();
    }
}

/// Its next guess is not even looked at, so being blocked says nothing about the guess.
#[tokio::test]
async fn a_blocked_source_learns_nothing_more() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    let guesser = app.anonymous().at(GUESSER);
    guess_until_blocked(&app, &guesser, &client).await;
    let (answer, asked) = app
        .store
        .asked_during(ask_by(&app, &guesser, &client.id, &client.secret))
        .await;
    assert_blocked(&answer);
    assert!(asked.is_empty());
}

#[tokio::test]
async fn a_block_holds_wherever_credentials_are_shown_and_nowhere_else() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    guess_until_blocked(&app, &app.anonymous().at(GUESSER), &client).await;
    assert_blocked(&app.backend().at(GUESSER).get("/v1/debug/whoami").await);
    assert_blocked(&app.admin().at(GUESSER).get("/admin/v1/projects").await);
    for path in ["/healthz", "/errors", &stytch_jwks_path(&app.project.id)] {
        assert_eq!(app.anonymous().at(GUESSER).get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn every_kind_of_credentials_counts() {
    for kind in ["project", "operator", "token"] {
        let app = app().await;
        let guesser = app.anonymous().at(GUESSER);
        for _ in 0..=REFUSALS {
            let answer = match kind {
                "project" => {
                    guesser
                        .clone()
                        .basic(&app.project.id, "wrong")
                        .get("/v1/debug/whoami")
                        .await
                }
                "operator" => {
                    guesser
                        .clone()
                        .bearer("cso_wrong")
                        .get("/admin/v1/projects")
                        .await
                }
                _ => ask_by(&app, &guesser, "nobody", "wrong").await,
            };
            assert!([400, 401].contains(&answer.status.as_u16()), "{kind}");
        }
        assert_blocked(&ask_by(&app, &guesser, "nobody", "wrong").await);
    }
}

#[tokio::test]
async fn what_is_no_refused_secret_does_not_count() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    for _ in 0..10 {
        let caller = app.anonymous().at(GUESSER);
        ask_by(&app, &caller, &client.id, &client.secret).await.ok();
        caller
            .form(&app.token_path(), "grant_type=client_credentials")
            .await
            .oauth(400, "invalid_request");
        caller
            .get("/v1/debug/whoami")
            .await
            .problem(401, "invalid_authorization_header");
        app.backend()
            .at(GUESSER)
            .get("/v1/m2m/clients/nobody")
            .await
            .problem(404, "m2m_client_not_found");
    }
    ask(&app, GUESSER, "nobody", "wrong")
        .await
        .oauth(400, "invalid_client");
}

#[tokio::test]
async fn a_limit_of_zero_is_none() {
    let app = TestApp::with(|config| config.limits.refusals_per_source_per_minute = 0).await;
    for _ in 0..100 {
        ask(&app, GUESSER, "nobody", "wrong")
            .await
            .oauth(400, "invalid_client");
    }
}

#[tokio::test]
async fn an_ipv6_network_is_one_source() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    guess_until_blocked(&app, &app.anonymous().at("2001:db8:1:2::1"), &client).await;
    assert_blocked(&ask(&app, "2001:db8:1:2:ffff::9", &client.id, &client.secret).await);
    ask(&app, "2001:db8:1:3::1", &client.id, &client.secret)
        .await
        .ok();
}
