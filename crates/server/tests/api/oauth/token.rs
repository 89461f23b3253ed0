//! `POST /v1/public/{project_id}/oauth2/token`: the answer and the token of the `stytch` profile (wire contract 4.2, 4.4).

use std::time::Duration;

use countersign_token::Refusal;
use serde_json::{Value, json};

use crate::support::answer::sorted_keys;
use crate::support::clock::START;
use crate::support::tokens::look_into;
use crate::support::{TestApp, token_path, token_request};

#[tokio::test]
async fn an_answer_has_its_exact_shape_and_must_not_be_kept() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    let answer = app.ask_token(&client.id, &client.secret).await;
    let body = answer.ok();
    assert_eq!(
        sorted_keys(&body),
        [
            "access_token",
            "expires_in",
            "request_id",
            "status_code",
            "token_type"
        ]
    );
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("bearer"), &json!(3600))
    );
    assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let refused = app.ask_token(&client.id, "wrong").await;
    assert_eq!(refused.header("cache-control"), Some("no-store"));
}

/// To the letter: a missing or extra claim breaks one SDK or another.
#[tokio::test]
async fn header_and_claims_are_those_that_the_sdks_verify() {
    let app = TestApp::new().await;
    let client = app
        .create_client(json!({ "client_id": "worker", "scopes": ["read:users", "write:*"] }))
        .await;
    let token = look_into(&app.token(&client).await);
    assert_eq!(
        token.header,
        json!({ "alg": "RS256", "kid": app.project.kid, "typ": "JWT" })
    );
    assert_eq!(
        token.claims,
        json!({
            "sub": "worker", "iss": format!("stytch.com/{}", app.project.id), "aud": [app.project.id],
            "scope": "read:users write:*", "iat": START, "nbf": START, "exp": START + 3600,
        })
    );
}

#[tokio::test]
async fn a_client_without_scopes_gets_an_empty_scope_claim() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    assert_eq!(look_into(&app.token(&client).await).claims["scope"], "");
}

#[tokio::test]
async fn times_are_whole_seconds_rounded_down() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    app.clock.advance(7);
    let claims = look_into(&app.token(&client).await).claims;
    for (claim, expected) in [("iat", START + 7), ("nbf", START + 7), ("exp", START + 7 + 3600)] {
        assert!(
            claims[claim].is_i64() && claims[claim] == expected,
            "{claim}: {claims}"
        );
    }
    // The clock stands at .750 of that second: an iat in the next one would lie in the future for four SDKs.
    assert!(app.verify_stytch(&app.token(&client).await).await.is_ok());
}

#[tokio::test]
async fn a_token_lives_as_long_as_the_setting_says() {
    let app = TestApp::with(|config| config.tokens.lifetime = Duration::from_secs(60)).await;
    let client = app.create_client(json!({})).await;
    let body = app.ask_token(&client.id, &client.secret).await.ok();
    assert_eq!(body["expires_in"], 60);
    let token = body["access_token"].as_str().unwrap();
    app.clock.advance(59);
    assert!(app.verify_stytch(token).await.is_ok());
    app.clock.advance(1);
    assert_eq!(app.verify_stytch(token).await, Err(Refusal::Expired));
}

#[tokio::test]
async fn a_token_of_one_project_is_not_one_of_another() {
    let app = TestApp::new().await;
    let client = app.create_other_client(json!({})).await;
    let body = token_request(&client.id, &client.secret);
    let answer = app.anonymous().post(&token_path(&app.other.id), body).await.ok();
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(look_into(token).claims["aud"], json!([app.other.id]));
    assert!(matches!(
        app.verify_stytch(token).await,
        Err(Refusal::UnknownKey { .. })
    ));
}

#[tokio::test]
async fn an_altered_token_is_refused() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "scopes": ["read"] })).await;
    let token = app.token(&client).await;
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims = look_into(&token).claims;
    claims["scope"] = json!("admin");
    let forged = {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        URL_SAFE_NO_PAD.encode(claims.to_string())
    };
    let refusal = app
        .verify_stytch(&format!("{}.{forged}.{}", parts[0], parts[2]))
        .await;
    assert_eq!(refusal, Err(Refusal::BadSignature));
}

/// No row per token, ever: what is kept of any number of them is one row of usage.
#[tokio::test]
async fn tokens_leave_no_rows_behind() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    let before = app.dump().await;
    for _ in 0..5 {
        app.token(&client).await;
    }
    app.ask_token(&client.id, "wrong")
        .await
        .oauth(400, "invalid_client");
    assert_eq!(app.dump().await, before);
    countersign::jobs::flush_usage(&app.app).await;
    assert_eq!(app.store_minutes().await, [(5, 1)]);
    assert_eq!(
        app.dump().await.matches("last_used_at: Some").count(),
        1,
        "the project secret's, by creating"
    );
}

#[tokio::test]
async fn the_alias_that_one_page_shows_is_not_there() {
    let app = TestApp::new().await;
    let answer = app.anonymous().post("/v1/m2m/token", Value::Null).await;
    answer.problem(404, "route_not_found");
}
