//! How eight SDKs and plain OAuth clients ask: JSON or form, body or Basic (wire contract 1.1, 4.1).

use serde_json::json;

use super::{GRANT, app_with_client, ask, form_body, json_body};
use crate::support::TestApp;
use crate::support::caller::{FORM, JSON, basic};
use crate::support::tokens::look_into;

#[tokio::test]
async fn every_sdk_gets_a_token_with_the_scopes_it_means() {
    let (app, client, project) = app_with_client().await;
    let (json, form) = (
        |more: &str| json_body(&client, more),
        |more: &str| form_body(&client, more),
    );
    let utf8 = "application/x-www-form-urlencoded; charset=utf-8";
    for (who, content_type, authorization, body, scope) in [
        (
            "Python",
            Some(JSON),
            Some(&project),
            json(r#","scope":"a b""#),
            "a b",
        ),
        (
            "Python, no scopes",
            Some(JSON),
            Some(&project),
            json(r#","scope":"""#),
            "a b c",
        ),
        ("Node", Some(FORM), None, form("&scope=b+a"), "a b"),
        ("Go", Some(FORM), None, form("&scope=c"), "c"),
        ("Go, no scopes", Some(FORM), None, form(""), "a b c"),
        (
            "Rust",
            Some(JSON),
            Some(&project),
            json(r#","scopes":["b"]"#),
            "b",
        ),
        (
            "Rust, no scopes",
            Some(JSON),
            Some(&project),
            json(r#","scopes":null"#),
            "a b c",
        ),
        (
            "Java",
            Some("application/json; charset=utf-8"),
            Some(&project),
            json(""),
            "a b c",
        ),
        (
            "Ruby",
            Some(JSON),
            Some(&project),
            json(r#","scope":"""#),
            "a b c",
        ),
        (".NET", Some(utf8), Some(&project), form("&scope=a%20c"), "a c"),
        (
            "JSON without a media type",
            None,
            None,
            format!(" \n{}", json("")),
            "a b c",
        ),
        ("a form without a media type", None, None, form(""), "a b c"),
        ("null scope", Some(JSON), None, json(r#","scope":null"#), "a b c"),
        (
            "scopes as a text",
            Some(JSON),
            None,
            json(r#","scopes":"a b""#),
            "a b",
        ),
        (
            "scope wins over scopes",
            Some(JSON),
            None,
            json(r#","scope":"a","scopes":["b"]"#),
            "a",
        ),
        (
            "unknown parameters",
            Some(JSON),
            None,
            json(r#","tenant":{"id":1}"#),
            "a b c",
        ),
        (
            "unknown parameters",
            Some(FORM),
            None,
            form("&tenant=1&audience="),
            "a b c",
        ),
        ("a scope twice", Some(FORM), None, form("&scope=a+a"), "a"),
        (
            "spaces around scopes",
            Some(FORM),
            None,
            form("&scope=+a++b+"),
            "a b",
        ),
    ] {
        let answer = ask(&app, content_type, authorization.map(String::as_str), body).await;
        assert_eq!(answer.status, 200, "{who}: {}", answer.text());
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(look_into(&token).claims["scope"], scope, "{who}");
    }
}

/// Whatever stands in the header, it is not looked at when the body has credentials.
#[tokio::test]
async fn credentials_in_the_body_win_over_any_header() {
    let (app, client, _) = app_with_client().await;
    let stranger = app.create_client(json!({ "client_id": "stranger" })).await;
    for authorization in [
        basic(&app.project.id, "wrong"),
        basic(&stranger.id, &stranger.secret),
        basic(&client.id, "wrong"),
        "Basic !!!".to_owned(),
        "Bearer nonsense".to_owned(),
        String::new(),
    ] {
        for (content_type, body) in [(JSON, json_body(&client, "")), (FORM, form_body(&client, ""))] {
            let body = ask(&app, Some(content_type), Some(&authorization), body)
                .await
                .ok();
            let token = body["access_token"].as_str().unwrap();
            assert_eq!(look_into(token).claims["sub"], client.id, "{authorization}");
        }
    }
    let right = basic(&client.id, &client.secret);
    let wrong = form_body(&client, "").replace(&client.secret, "wrong");
    ask(&app, Some(FORM), Some(&right), wrong)
        .await
        .oauth(400, "invalid_client");
}

#[tokio::test]
async fn basic_is_used_when_the_body_has_no_credentials() {
    let (app, client, _) = app_with_client().await;
    let right = basic(&client.id, &client.secret);
    for (content_type, body) in [
        (FORM, GRANT.to_owned()),
        (FORM, format!("{GRANT}&scope=a")),
        (FORM, format!("{GRANT}&client_id={}", client.id)),
        (FORM, format!("{GRANT}&client_id=&client_secret=")),
        (JSON, r#"{"grant_type":"client_credentials"}"#.to_owned()),
        (
            JSON,
            r#"{"grant_type":"client_credentials","client_id":null,"client_secret":null}"#.to_owned(),
        ),
    ] {
        ask(&app, Some(content_type), Some(&right), body).await.ok();
    }
}

/// RFC 6749 section 2.3.1: both are form-encoded inside Basic. Many clients do not; what is no encoding is taken as it is.
#[tokio::test]
async fn basic_credentials_may_be_form_encoded() {
    let app = TestApp::new().await;
    let secret = "tall%Walrus 77+juggles:lemons&ice";
    app.create_client(json!({ "client_id": "svc@eu:1", "client_secret": secret }))
        .await;
    let plain_id = "svc@eu:1";
    let encoded = basic("svc%40eu%3A1", "tall%25Walrus+77%2Bjuggles%3Alemons%26ice");
    ask(&app, Some(FORM), Some(&encoded), GRANT).await.ok();
    app.create_client(json!({ "client_id": "plain", "client_secret": secret }))
        .await;
    ask(&app, Some(FORM), Some(&basic("plain", secret)), GRANT)
        .await
        .ok();
    // The first colon parts id and secret, so an id with one needs its encoding.
    ask(&app, Some(FORM), Some(&basic(plain_id, secret)), GRANT)
        .await
        .oauth(401, "invalid_client");
}

/// An id beside Basic must be the same one: else a caller could think to be somebody else than it is.
#[tokio::test]
async fn an_id_in_the_body_and_another_in_the_header_is_no_request() {
    let (app, client, project) = app_with_client().await;
    let right = basic(&client.id, &client.secret);
    for authorization in [&right, &project] {
        let answer = ask(
            &app,
            Some(FORM),
            Some(authorization),
            format!("{GRANT}&client_id=another"),
        )
        .await;
        answer.oauth(400, "invalid_request");
    }
}
