//! Calls from pages of other origins.

use http::Method;

use super::providers::{add, at};
use super::recorder::{Recorder, ok};
use super::{CLIENTS, caller};
use crate::support::TestApp;
use crate::support::answer::Answer;

const LISTED: &str = "https://app.example.com";

async fn app() -> TestApp {
    TestApp::with(|config| config.gateway.allowed_origins = vec![LISTED.to_owned()]).await
}

async fn preflight(app: &TestApp, origin: &str, path: &str) -> Answer {
    let page = app
        .anonymous()
        .header("host", "id.example")
        .header("origin", origin);
    let page = page.header("access-control-request-method", "POST");
    let page = page.header("access-control-request-headers", "authorization,content-type");
    page.send(Method::OPTIONS, path, None, "").await
}

#[tokio::test]
async fn a_preflight_needs_no_token_and_says_the_same_of_every_path() {
    let app = app().await;
    for path in [CLIENTS, "/gateway/p/unknown/x"] {
        let answer = preflight(&app, LISTED, path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
        assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("authorization,content-type")
        );
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert!(answer.header("vary").unwrap().contains("origin"));
    }
}

#[tokio::test]
async fn origins_are_listed_to_the_letter() {
    let app = app().await;
    for origin in [
        "https://app.example.com.evil.example",
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://sub.app.example.com",
        "null",
        "*",
    ] {
        let answer = preflight(&app, origin, CLIENTS).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
    let none = TestApp::new().await;
    let answer = preflight(&none, LISTED, CLIENTS).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_page_reads_answers_and_refusals() {
    let app = app().await;
    let allowed = caller(&app, &["gateway:countersign"])
        .await
        .header("origin", LISTED);
    let stranger = caller(&app, &["gateway:other"]).await.header("origin", LISTED);
    for (caller, status) in [(allowed, 404), (stranger, 403)] {
        let answer = caller.get(&format!("{CLIENTS}/absent")).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
        assert!(answer.header("vary").unwrap().contains("origin"));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        let exposed: Vec<_> = exposed.split(',').collect();
        for field in [
            "countersign-error",
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "x-request-id",
        ] {
            assert!(exposed.contains(&field), "{field} of {exposed:?}");
        }
    }
}

#[tokio::test]
async fn a_preflight_reaches_no_provider_and_opens_no_private_network() {
    let app = app().await;
    let provider = Recorder::start(|_, _| ok("fine")).await;
    add(&app, "acme", at(&provider)).await;
    let path = "/gateway/p/acme/things";
    for origin in [LISTED, "https://evil.example"] {
        let page = app
            .anonymous()
            .header("host", "id.example")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-private-network", "true");
        let answer = page.send(Method::OPTIONS, path, None, "").await;
        assert_eq!(answer.header("access-control-allow-private-network"), None);
    }
    assert_eq!(provider.connections(), 0);
    // The same place is reached by a call.
    let caller = caller(&app, &["gateway:acme"]).await;
    assert_eq!(caller.get(path).await.status, 200);
    assert_eq!(provider.connections(), 1);
}
