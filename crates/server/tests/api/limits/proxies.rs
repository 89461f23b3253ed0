//! Whose word is taken for a caller's address.

use countersign::config::Config;
use serde_json::json;

use super::{GUESSER, REFUSALS, ask, ask_by, assert_blocked, guess_until_blocked};
use crate::support::TestApp;

fn behind_proxies(config: &mut Config) {
    config.limits.refusals_per_source_per_minute = REFUSALS;
    config.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
}

#[tokio::test]
async fn a_trusted_proxys_word_is_taken_for_the_callers_address() {
    let app = TestApp::with(behind_proxies).await;
    let client = app.create_client(json!({})).await;
    let forwarded = |address: &str| app.anonymous().at("10.0.0.1").header("x-forwarded-for", address);
    guess_until_blocked(&app, &forwarded(GUESSER), &client).await;
    ask_by(&app, &forwarded("203.0.113.67"), &client.id, &client.secret)
        .await
        .ok();
    // What stands left of the address that the proxy saw was written by the caller.
    assert_blocked(
        &ask_by(
            &app,
            &forwarded(&format!("192.0.2.1, {GUESSER}")),
            &client.id,
            &client.secret,
        )
        .await,
    );
    let backend = app
        .backend()
        .at("10.0.0.1")
        .header("x-forwarded-for", "192.0.2.1, 203.0.113.70, 10.9.9.9");
    backend.post("/v1/m2m/clients", json!({})).await.ok();
    assert_eq!(
        app.events().await.pop().unwrap().address.as_deref(),
        Some("203.0.113.70")
    );
}

#[tokio::test]
async fn a_callers_own_word_is_not() {
    let app = TestApp::with(behind_proxies).await;
    let client = app.create_client(json!({})).await;
    for (number, _) in (0..=REFUSALS).enumerate() {
        let forged = app
            .anonymous()
            .at(GUESSER)
            .header("x-forwarded-for", &format!("192.0.2.{number}"));
        ask_by(&app, &forged, &client.id, "wrong")
            .await
            .oauth(400, "invalid_client");
    }
    let forged = app
        .anonymous()
        .at(GUESSER)
        .header("x-forwarded-for", "192.0.2.99");
    assert_blocked(&ask_by(&app, &forged, &client.id, "wrong").await);
    // Nor can a caller have somebody else blocked.
    ask(&app, "192.0.2.0", &client.id, &client.secret).await.ok();
    app.backend()
        .at(GUESSER)
        .get("/v1/debug/whoami")
        .await
        .problem(429, "too_many_requests");
}
