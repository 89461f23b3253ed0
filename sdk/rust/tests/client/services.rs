//! What callers of a protected service are told, and what a caller's client does with it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use countersign_client::{
    Authenticated, BearerToken, ConfigError, Identity, Refusal, RequireToken, TokenSource, Verifier,
    required_scopes,
};
use countersign_token::Claims;
use reqwest_middleware::ClientBuilder;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{CLIENT, Issuer, NOW, PROJECT, Say, Wall, claims, key_set, later, stytch_issuer, token};

required_scopes! {
    ReadUsers = ["read:users"];
    DeleteUsers = ["read:users", "delete:users"];
}

async fn any(caller: Authenticated) -> Json<Value> {
    Json(json!({ "caller": caller.client_id(), "scopes": caller.scopes().collect::<Vec<_>>() }))
}

async fn users(caller: Authenticated<ReadUsers>) -> String {
    caller.into_identity().client_id().to_owned()
}

async fn delete_users(_caller: Authenticated<DeleteUsers>, _body: String) {
    panic!("nobody may")
}

fn verifier() -> Verifier {
    Verifier::builder()
        .issuer(stytch_issuer())
        .audience(PROJECT)
        .keys(key_set(&["k"]))
        .clock(Wall::new())
        .build()
        .unwrap()
}

fn guarded_by_extractor() -> Router {
    Router::new()
        .route("/any", get(any))
        .route("/users", get(users))
        .route("/delete", post(delete_users))
        .with_state(verifier())
}

async fn nobody() {
    panic!("nobody may")
}

fn guarded_by_layer() -> Router {
    let who = |Extension(caller): Extension<Arc<Identity>>| async move { caller.client_id().to_owned() };
    Router::new()
        .route("/any", get(who).layer(RequireToken::new(verifier())))
        .route(
            "/users",
            get(who).layer(RequireToken::new(verifier()).with_scopes(["read:users"]).unwrap()),
        )
        .route(
            "/delete",
            post(nobody).layer(
                RequireToken::new(verifier())
                    .with_scopes(["read:users", "delete:users"])
                    .unwrap(),
            ),
        )
}

async fn call(router: &Router, path: &str, authorization: Option<&str>) -> Response<Body> {
    let method = if path == "/delete" { "POST" } else { "GET" };
    let mut request = Request::builder().method(method).uri(path);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

async fn told(response: Response<Body>) -> (u16, Option<String>, String) {
    let challenge = response.headers().get("www-authenticate");
    let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, challenge, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn extractor_and_layer_refuse_alike_and_to_the_byte() {
    let good = format!("Bearer {}", token("k", &claims()));
    let expired = token("k", &Claims { exp: NOW, ..claims() });
    let cases = [
        (
            "/any",
            None,
            (
                401,
                Some("Bearer"),
                r#"{"error":"invalid_token","reason":"missing_token"}"#,
            ),
        ),
        (
            "/any",
            Some("Basic YTpi".to_owned()),
            (
                401,
                Some("Bearer"),
                r#"{"error":"invalid_token","reason":"missing_token"}"#,
            ),
        ),
        (
            "/any",
            Some("Bearer garbage".to_owned()),
            (
                401,
                Some(r#"Bearer error="invalid_token""#),
                r#"{"error":"invalid_token","reason":"malformed"}"#,
            ),
        ),
        (
            "/users",
            Some(format!("bearer {expired}")),
            (
                401,
                Some(r#"Bearer error="invalid_token""#),
                r#"{"error":"invalid_token","reason":"expired"}"#,
            ),
        ),
        ("/users", Some(good.clone()), (200, None, CLIENT)),
        (
            "/delete",
            Some(good),
            (
                403,
                Some(r#"Bearer error="insufficient_scope", scope="read:users delete:users""#),
                r#"{"error":"insufficient_scope","reason":"missing_scope"}"#,
            ),
        ),
    ];
    for router in [guarded_by_extractor(), guarded_by_layer()] {
        for (path, authorization, (status, challenge, body)) in &cases {
            let response = call(&router, path, authorization.as_deref()).await;
            assert_eq!(
                told(response).await,
                (*status, challenge.map(str::to_owned), (*body).to_owned()),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_handler_knows_who_calls() {
    let good = format!("Bearer {}", token("k", &claims()));
    let response = call(&guarded_by_extractor(), "/any", Some(&good)).await;
    let (_, _, body) = told(response).await;
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({ "caller": CLIENT, "scopes": ["read:users", "write:*"] })
    );
}

#[tokio::test]
async fn without_keys_it_is_the_services_fault() {
    let issuer = Issuer::start(Say::Status(500, &[], String::new())).await;
    let verifier = crate::support::verifier(&issuer).build().unwrap();
    let router = Router::new().route("/any", get(any)).with_state(verifier);
    let good = format!("Bearer {}", token("k", &claims()));
    let response = call(&router, "/any", Some(&good)).await;
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(
        told(response).await,
        (
            503,
            None,
            r#"{"error":"temporarily_unavailable","reason":"keys_unavailable"}"#.to_owned()
        )
    );
}

// The caller's side

fn issues(token: &str) -> Say {
    Say::Json(format!(
        r#"{{"access_token":"{token}","token_type":"bearer","expires_in":3600}}"#
    ))
}

fn source(issuer: &Issuer) -> TokenSource {
    TokenSource::builder()
        .url(&issuer.url)
        .project_id(PROJECT)
        .client_id(CLIENT)
        .client_secret("csk_secret")
        .build()
        .unwrap()
}

fn client(issuer: &Issuer) -> reqwest_middleware::ClientWithMiddleware {
    let tokens = source(issuer);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    ClientBuilder::new(http).with(BearerToken::new(tokens)).build()
}

fn ok() -> Say {
    Say::Status(200, &[], "fine".into())
}

fn unauthorized() -> Say {
    Say::Status(401, &[], "no".into())
}

fn authorizations(service: &Issuer) -> Vec<String> {
    let asked = service.asked();
    let values = asked
        .iter()
        .map(|asked| asked.headers["authorization"].to_str().unwrap());
    values.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_request_carries_the_token() {
    let (issuer, service) = (Issuer::start(issues("one")).await, Issuer::start(ok()).await);
    let client = client(&issuer);
    for _ in 0..3 {
        let answer = client.get(&service.url).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "fine");
    }
    assert_eq!(authorizations(&service), ["Bearer one"; 3]);
    assert_eq!(issuer.times(), 1);
}

#[tokio::test]
async fn after_a_401_a_new_token_is_tried_once() {
    let (issuer, service) = (Issuer::start(issues("one")).await, Issuer::start(ok()).await);
    issuer.says([issues("one"), issues("two"), issues("three")]);
    service.says([unauthorized(), ok()]);
    let client = client(&issuer);
    let answer = client.post(&service.url).body("body").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(authorizations(&service), ["Bearer one", "Bearer two"]);
    assert!(service.asked().iter().all(|asked| asked.body == "body"));

    service.says([unauthorized()]);
    later(Duration::from_secs(11)).await;
    let answer = client.get(&service.url).send().await.unwrap();
    assert_eq!(answer.status(), 401, "and then it is told");
    assert_eq!(service.times(), 4);
}

#[tokio::test]
async fn a_service_that_refuses_everything_is_no_flood() {
    let (issuer, service) = (
        Issuer::start(issues("one")).await,
        Issuer::start(unauthorized()).await,
    );
    issuer.says([issues("one"), issues("two"), issues("three")]);
    let client = client(&issuer);
    for _ in 0..50 {
        assert_eq!(client.get(&service.url).send().await.unwrap().status(), 401);
    }
    assert_eq!(issuer.times(), 2);
    assert_eq!(service.times(), 51, "only the first call is made twice");
}

#[tokio::test]
async fn an_equal_token_is_not_tried_again() {
    let (issuer, service) = (
        Issuer::start(issues("one")).await,
        Issuer::start(unauthorized()).await,
    );
    assert_eq!(
        client(&issuer).get(&service.url).send().await.unwrap().status(),
        401
    );
    assert_eq!((issuer.times(), service.times()), (2, 1));
}

#[tokio::test]
async fn a_401_stays_the_answer_when_there_is_no_other_token() {
    let (issuer, service) = (
        Issuer::start(issues("one")).await,
        Issuer::start(unauthorized()).await,
    );
    issuer.says([
        issues("one"),
        Say::Status(400, &[], r#"{"error":"invalid_client"}"#.into()),
    ]);
    let answer = client(&issuer).get(&service.url).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.text().await.unwrap(), "no");
}

#[tokio::test]
async fn a_token_that_cannot_be_had_is_a_typed_error_and_nothing_is_sent() {
    let (issuer, service) = (
        Issuer::start(Say::Status(400, &[], r#"{"error":"invalid_client"}"#.into())).await,
        Issuer::start(ok()).await,
    );
    let error = client(&issuer).get(&service.url).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else {
        panic!("{error:?}")
    };
    let error: &countersign_client::TokenError = error.downcast_ref().unwrap();
    assert_eq!(error.code(), "invalid_client");
    assert_eq!(service.times(), 0);
}

#[tokio::test]
async fn credentials_of_the_caller_are_left_alone() {
    let (issuer, service) = (
        Issuer::start(issues("one")).await,
        Issuer::start(unauthorized()).await,
    );
    let answer = client(&issuer)
        .get(&service.url)
        .bearer_auth("own")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(authorizations(&service), ["Bearer own"]);
    assert_eq!(issuer.times(), 0);
}

#[tokio::test]
async fn a_token_goes_to_no_other_origin() {
    let (issuer, service) = (Issuer::start(issues("one")).await, Issuer::start(ok()).await);
    let only_for = |origins: &[&str]| {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let token = BearerToken::new(source(&issuer)).only_for(origins).unwrap();
        ClientBuilder::new(http).with(token).build()
    };
    let path = format!("{}/reports", service.url);
    let answer = only_for(&["https://api.example", &service.url])
        .get(&path)
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(service.times(), 1);
    let https = service.url.replace("http:", "https:");
    for origins in [&[][..], &["https://api.example"], &[&https]] {
        let error = only_for(origins).get(&path).send().await.unwrap_err();
        let reqwest_middleware::Error::Middleware(error) = error else {
            panic!("{error:?}")
        };
        let error: &ConfigError = error.downcast_ref().unwrap();
        assert_eq!(error.code(), "invalid_configuration");
        // Credentials of the caller's own are the caller's own business.
        let own = only_for(origins).get(&path).bearer_auth("own").send().await;
        assert_eq!(own.unwrap().status(), 200);
    }
    assert_eq!(issuer.times(), 1);
    assert!(!authorizations(&service)[1..].contains(&"Bearer one".to_owned()));
    assert!(
        BearerToken::new(source(&issuer))
            .only_for(["api.example"])
            .is_err()
    );
}

#[test]
fn a_layer_that_needs_no_scope_was_not_meant() {
    for scopes in [&[][..], &[""], &["read users"], &["read:\"users"], &["l\u{e4}s"]] {
        let refused = RequireToken::new(verifier()).with_scopes(scopes.iter().copied());
        assert_eq!(refused.unwrap_err().code(), "invalid_configuration", "{scopes:?}");
    }
}

#[tokio::test]
async fn a_refusal_stands_in_the_extensions_of_the_answer() {
    for router in [guarded_by_extractor(), guarded_by_layer()] {
        let response = call(&router, "/any", Some("Bearer garbage")).await;
        let refusal = response.extensions().get::<Refusal>().unwrap();
        assert_eq!(refusal.code(), "malformed");
    }
}

#[tokio::test]
async fn a_handler_can_be_tested_as_a_function() {
    let identity = Identity::for_tests(claims());
    assert_eq!(users(Authenticated::for_tests(identity)).await, CLIENT);
}
