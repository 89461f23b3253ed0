//! What a client gets for what it asks: grant types, scopes, audiences (wire contract 4.3; RFC 8707).

use serde_json::{Value, json};

use super::{GRANT, ask};
use crate::support::caller::FORM;
use crate::support::tokens::look_into;
use crate::support::{NewClient, TestApp};

const GATEWAY: &str = "https://id.example/gateway";

async fn with(app: &TestApp, client: &NewClient, more: &str) -> crate::support::answer::Answer {
    let body = format!("client_id={}&client_secret={}&{more}", client.id, client.secret);
    ask(app, Some(FORM), None, body).await
}

async fn claims(app: &TestApp, client: &NewClient, more: &str) -> Value {
    let body = with(app, client, &format!("{GRANT}{more}")).await.ok();
    look_into(body["access_token"].as_str().unwrap()).claims
}

#[tokio::test]
async fn only_client_credentials_are_granted() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    for grant_type in [
        "password",
        "authorization_code",
        "refresh_token",
        "CLIENT_CREDENTIALS",
        "client_credentials%20",
    ] {
        with(&app, &client, &format!("grant_type={grant_type}"))
            .await
            .oauth(400, "unsupported_grant_type");
    }
    for missing in ["", "grant_type=", "scope=a"] {
        with(&app, &client, missing).await.oauth(400, "invalid_request");
    }
}

/// Who it is comes first: a stranger learns nothing about what is supported or held.
#[tokio::test]
async fn a_stranger_is_told_nothing_but_that() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "worker", "scopes": ["a"] }))
        .await;
    for more in [
        "",
        "&grant_type=password",
        "&grant_type=client_credentials&scope=b",
        "&grant_type=client_credentials&resource=x",
    ] {
        let body = format!("client_id=worker&client_secret=wrong{more}");
        ask(&app, Some(FORM), None, body)
            .await
            .oauth(400, "invalid_client");
    }
}

#[tokio::test]
async fn scopes_are_a_subset_in_the_clients_order() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "scopes": ["c:*", "a", "b"] })).await;
    for (asked, granted) in [
        ("", "c:* a b"),
        ("&scope=b+c:*", "c:* b"),
        ("&scope=a", "a"),
        ("&scope=", "c:* a b"),
        ("&scope=+", "c:* a b"),
    ] {
        assert_eq!(claims(&app, &client, asked).await["scope"], granted, "{asked}");
    }
    let too_many = format!(
        "a{}",
        (0..300).map(|number| format!("+s{number}")).collect::<String>()
    );
    for refused in ["d", "a+d", "c:x", "A", "a%22", "a%5C", "%C3%A4", "a,b", &too_many] {
        let answer = with(&app, &client, &format!("{GRANT}&scope={refused}")).await;
        answer.oauth(400, "invalid_scope");
    }
    let bare = app.create_client(json!({})).await;
    with(&app, &bare, &format!("{GRANT}&scope=a"))
        .await
        .oauth(400, "invalid_scope");
}

#[tokio::test]
async fn changed_scopes_hold_for_the_next_token() {
    let app = TestApp::new().await;
    let client = app
        .create_client(json!({ "client_id": "worker", "scopes": ["a"] }))
        .await;
    let old = app.token(&client).await;
    app.backend()
        .put("/v1/m2m/clients/worker", json!({ "scopes": ["b"] }))
        .await
        .ok();
    assert_eq!(claims(&app, &client, "").await["scope"], "b");
    with(&app, &client, &format!("{GRANT}&scope=a"))
        .await
        .oauth(400, "invalid_scope");
    assert_eq!(app.verify_stytch(&old).await.unwrap().scope, "a");
}

#[tokio::test]
async fn resources_that_nobody_knows_are_refused() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "scopes": ["a"] })).await;
    let issuer = format!("https://id.example/v1/public/{}", app.project.id);
    // RFC 6749 section 3.2: a parameter without a value counts as omitted.
    for known in [app.project.id.as_str(), &issuer, ""] {
        assert_eq!(
            claims(&app, &client, &format!("&resource={known}")).await["aud"],
            json!([app.project.id])
        );
    }
    let both = format!("&resource={}&resource={issuer}", app.project.id);
    assert_eq!(claims(&app, &client, &both).await["aud"], json!([app.project.id]));
    for unknown in [
        "https://elsewhere.example",
        &app.other.id,
        "https://id.example/gateway/",
        "%00",
    ] {
        let answer = with(&app, &client, &format!("{GRANT}&resource={unknown}")).await;
        answer.oauth(400, "invalid_target");
    }
}

/// A service that receives a token must not be able to replay it at the gateway.
#[tokio::test]
async fn scopes_of_the_gateway_never_stand_in_a_token_for_services() {
    let app = TestApp::new().await;
    let client = app
        .create_client(json!({ "scopes": ["a", "gateway:stripe", "gateway-read:github"] }))
        .await;
    for (asked, audience, scope) in [
        ("", app.project.id.as_str(), "a"),
        ("&scope=a", app.project.id.as_str(), "a"),
        ("&scope=gateway:stripe", GATEWAY, "gateway:stripe"),
        (
            "&resource=https://id.example/gateway",
            GATEWAY,
            "gateway:stripe gateway-read:github",
        ),
        (
            "&resource=https://id.example/gateway&scope=gateway-read:github",
            GATEWAY,
            "gateway-read:github",
        ),
    ] {
        let claims = claims(&app, &client, asked).await;
        assert_eq!(
            (&claims["aud"], &claims["scope"]),
            (&json!([audience]), &json!(scope)),
            "{asked}"
        );
    }
    let services = format!("&scope=gateway:stripe&resource={}", app.project.id);
    for mixed in [
        "&scope=a+gateway:stripe",
        "&scope=a&resource=https://id.example/gateway",
        &services,
    ] {
        with(&app, &client, &format!("{GRANT}{mixed}"))
            .await
            .oauth(400, "invalid_target");
    }
}
