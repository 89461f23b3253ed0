//! The kind of credential whose token is fetched.

use std::net::Ipv4Addr;

use countersign_gateway::forward::Outgoing;
use http::Method;
use serde_json::{Value, json};

use super::recorder::{Answer, Recorder, ok, with_head};
use super::world::{World, call, post};

fn credential(issuer: &Recorder) -> Value {
    json!({
        "kind": "oauth-client-credentials", "token_url": format!("http://{}/token", issuer.address),
        "client_id": "gate", "client_secret": "s3cret-of-the-gateway", "scope": "read", "audience": "api"
    })
}

async fn issuer() -> Recorder {
    issuer_at(Ipv4Addr::LOCALHOST).await
}

/// Issues token-number-1, token-number-2 and so on.
async fn issuer_at(address: Ipv4Addr) -> Recorder {
    Recorder::start_at(address, |number, _| {
        let token = format!(
            "{{\"access_token\":\"token-number-{number}\",\"token_type\":\"bearer\",\"expires_in\":600}}"
        );
        with_head("200 OK", "Content-Type: application/json\r\n", &token)
    })
    .await
}

fn unauthorized() -> Answer {
    with_head("401 Unauthorized", "", "")
}

#[tokio::test]
async fn a_token_is_fetched_once_and_goes_up() {
    let issuer = issuer().await;
    let provider = Recorder::start(|_, _| ok("fine")).await;
    let world = World::new(&provider, Some(&credential(&issuer)));
    for _ in 0..3 {
        assert_eq!(world.get("/").await.text, "fine");
    }
    let asked = issuer.request();
    assert!(asked.starts_with("POST /token HTTP/1.1\r\n"), "{asked}");
    assert!(
        asked.ends_with("grant_type=client_credentials&scope=read&audience=api"),
        "{asked}"
    );
    for request in provider.requests() {
        assert!(
            request.contains("authorization: Bearer token-number-1\r\n"),
            "{request}"
        );
        assert!(!request.contains("s3cret"), "{request}");
    }
}

#[tokio::test]
async fn a_caller_gets_no_token_of_its_own_at_the_token_endpoint() {
    let provider = issuer().await;
    let mut credential = credential(&provider);
    credential["token_url"] = json!(format!("http://{}/v1/token", provider.address));
    let world = World::new(&provider, Some(&credential));
    for path in ["/token", "/token/", "/Token", "/%74oken", "/token?x=y"] {
        let refused = world.refused(call(Method::GET, path, &[])).await;
        assert_eq!(refused, (403, "token_endpoint"), "{path}");
    }
    assert_eq!(provider.requests().len(), 0);
    assert_eq!(world.get("/token/other").await.status, 200);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_where_the_call_can_be_repeated() {
    let issuer = issuer().await;
    let provider = Recorder::start(|_, request| {
        if request.contains("token-number-1") {
            unauthorized()
        } else {
            ok("fine")
        }
    })
    .await;
    let world = World::new(&provider, Some(&credential(&issuer)));
    assert_eq!(world.get("/").await.text, "fine");
    assert_eq!((provider.requests().len(), issuer.requests().len()), (2, 2));
}

#[tokio::test]
async fn a_provider_that_refuses_every_token_is_asked_twice_and_no_more() {
    let issuer = issuer().await;
    let provider = Recorder::start(|_, _| unauthorized()).await;
    let world = World::new(&provider, Some(&credential(&issuer)));
    assert_eq!(world.get("/").await.status, 401);
    assert_eq!(provider.requests().len(), 2);
    assert_eq!(world.get("/").await.status, 401);
    assert_eq!((provider.requests().len(), issuer.requests().len()), (3, 2));
}

#[tokio::test]
async fn a_call_that_may_not_be_repeated_is_not() {
    let issuer = issuer().await;
    let provider = Recorder::start(|_, _| unauthorized()).await;
    let world = World::new(&provider, Some(&credential(&issuer)));
    assert_eq!(world.answered(post("/", "x")).await.status, 401);
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn without_a_token_nothing_goes_up() {
    let issuer = Recorder::start(|_, _| {
        with_head(
            "400 Bad",
            "Content-Type: application/json\r\n",
            "{\"error\":\"invalid_client\"}",
        )
    })
    .await;
    let provider = Recorder::start(|_, _| ok("fine")).await;
    let world = World::new(&provider, Some(&credential(&issuer)));
    let error = world.send(call(Method::GET, "/", &[])).await.err().unwrap();
    assert_eq!((error.status().as_u16(), error.code()), (502, "credential_token"));
    assert!(
        !error.to_string().contains("invalid_client"),
        "that is for the operator"
    );
    assert!(error.detail().unwrap().contains("invalid_client"));
    assert_eq!(provider.connections(), 0);
}

#[tokio::test]
async fn a_token_endpoint_is_behind_the_same_guard() {
    let provider = Recorder::start(|_, _| ok("fine")).await;
    // An answer alone would not tell: a place that is refused and one that is silent give no token alike.
    let issuer = issuer_at(Ipv4Addr::new(127, 0, 0, 2)).await;
    let outside = World::within("127.0.0.1/32", &provider, &credential(&issuer));
    let refused = outside.refused(call(Method::GET, "/", &[])).await;
    assert_eq!(refused, (502, "credential_token"));
    assert_eq!((issuer.connections(), provider.connections()), (0, 0));

    let inside = World::within("127.0.0.0/8", &provider, &credential(&issuer));
    assert_eq!(inside.get("/").await.text, "fine");
    assert_eq!((issuer.connections(), provider.connections()), (1, 1));
}

#[tokio::test]
async fn a_token_endpoint_that_redirects_is_not_followed() {
    let provider = Recorder::start(|_, _| ok("fine")).await;
    let elsewhere = issuer().await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let location = format!("Location: http://{}/token\r\n", elsewhere.address);
        let issuer = Recorder::start(move |_, _| with_head(status, &location, "")).await;
        let world = World::new(&provider, Some(&credential(&issuer)));
        let refused = world.refused(call(Method::GET, "/", &[])).await;
        assert_eq!(refused, (502, "credential_token"), "{status}");
        assert_eq!(issuer.requests().len(), 1, "{status}");
    }
    assert_eq!((elsewhere.connections(), provider.connections()), (0, 0));
}

#[tokio::test]
async fn a_fetched_token_that_the_provider_echoes_is_taken_out() {
    let issuer = issuer().await;
    let provider = Recorder::start(|_, request| {
        let token = request.split("authorization: Bearer ").nth(1).unwrap();
        let token = token.lines().next().unwrap();
        let fields = format!("Content-Type: text/plain\r\nX-Echo: {token}\r\n");
        with_head("200 OK", &fields, &format!("you sent {token}."))
    })
    .await;
    let answer = World::new(&provider, Some(&credential(&issuer))).get("/").await;
    assert!(provider.request().contains("token-number-1"));
    assert_eq!(answer.text, "you sent [redacted].");
    assert_eq!(answer.headers["x-echo"], "[redacted]");
}

#[tokio::test]
async fn a_body_is_kept_to_repeat_a_call_up_to_its_bound_and_no_further() {
    for (bytes, times) in [(64 * 1024, 2), (64 * 1024 + 1, 1)] {
        let issuer = issuer().await;
        let provider = Recorder::start(|_, _| unauthorized()).await;
        let world = World::new(&provider, Some(&credential(&issuer)));
        let put = Outgoing {
            method: Method::PUT,
            ..post("/", &"x".repeat(bytes))
        };
        assert_eq!(world.answered(put).await.status, 401);
        assert_eq!(provider.requests().len(), times, "{bytes} bytes");
    }
}
