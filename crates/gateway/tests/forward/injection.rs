//! What the upstream is sent: exactly the expected injection, nothing of the caller's credential, no forged field.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::recorder::{Recorder, ok};
use super::world::{NOW, World, call, post};

/// Everything that a caller might try to bring along.
const FORGED: &[(&str, &str)] = &[
    ("authorization", "Bearer callers-own-token"),
    ("cookie", "session=callers"),
    ("proxy-authorization", "Basic Y2FsbGVyOnB3"),
    ("x-api-key", "callers-key"),
    ("x_api_key", "callers-key"),
    ("host", "evil.example"),
    ("forwarded", "for=1.2.3.4;host=evil.example"),
    ("x-forwarded-for", "1.2.3.4"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
    ("x-real-ip", "1.2.3.4"),
    ("x-original-url", "/admin"),
    ("x-rewrite-url", "/admin"),
    ("x-http-method-override", "DELETE"),
    ("countersign-credential", "other"),
    ("connection", "x-nominated"),
    ("x-nominated", "gone"),
    ("x-plain", "stays"),
];

/// The request as the upstream got it, its fields in alphabetical order.
async fn sent(credential: &Value) -> String {
    let recorder = Recorder::start(|_, _| ok("fine")).await;
    let world = World::new(&recorder, Some(credential));
    world
        .answered(call(Method::GET, "/things?q=1&key=callers", FORGED))
        .await;
    sorted(&recorder.request(), &recorder)
}

fn sorted(request: &str, recorder: &Recorder) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap().to_owned();
    let mut fields: Vec<_> = lines.map(str::to_owned).collect();
    fields.sort();
    let text = format!("{first}\n{}\n{body}", fields.join("\n"));
    text.replace(&recorder.address.to_string(), "PLACE")
}

/// What goes up whatever the credential.
fn expected(target: &str, own: &[&str]) -> String {
    let mut fields = vec![
        "accept-encoding: identity",
        "host: PLACE",
        "via: 1.1 countersign",
        "x-plain: stays",
    ];
    fields.extend(own);
    fields.sort_unstable();
    format!("GET {target} HTTP/1.1\n{}\n", fields.join("\n"))
}

#[tokio::test]
async fn basic_is_name_and_password() {
    let credential = json!({"kind": "basic", "username": "up", "password": "p:w d"});
    let value = format!("authorization: Basic {}", STANDARD.encode("up:p:w d"));
    assert_eq!(
        sent(&credential).await,
        expected("/v1/things?q=1&key=callers", &[&value, "x-api-key: callers-key"])
    );
}

#[tokio::test]
async fn bearer_is_a_token() {
    assert_eq!(
        sent(&json!({"kind": "bearer", "token": "upstream-token-1"})).await,
        expected(
            "/v1/things?q=1&key=callers",
            &["authorization: Bearer upstream-token-1", "x-api-key: callers-key"]
        )
    );
}

#[tokio::test]
async fn a_header_takes_the_place_of_the_callers_in_every_spelling() {
    let credential =
        json!({"kind": "header", "name": "X-Api-Key", "value": "upstream-key-1", "prefix": "Key "});
    assert_eq!(
        sent(&credential).await,
        expected("/v1/things?q=1&key=callers", &["x-api-key: Key upstream-key-1"])
    );
}

#[tokio::test]
async fn a_query_parameter_takes_the_place_of_the_callers() {
    let credential = json!({"kind": "query", "name": "key", "value": "upstream key/1"});
    let request = sent(&credential).await;
    assert!(!request.contains("key=callers"), "{request}");
    let target = request.split(' ').nth(1).unwrap();
    let decoded: Vec<_> = form_urlencoded::parse(target.split_once('?').unwrap().1.as_bytes()).collect();
    assert_eq!(
        decoded,
        [("q".into(), "1".into()), ("key".into(), "upstream key/1".into())]
    );
    assert_eq!(request, expected(target, &["x-api-key: callers-key"]));
}

#[tokio::test]
async fn a_cookie_is_the_only_one() {
    assert_eq!(
        sent(&json!({"kind": "cookie", "name": "sid", "value": "upstream-session"})).await,
        expected(
            "/v1/things?q=1&key=callers",
            &["cookie: sid=upstream-session", "x-api-key: callers-key"]
        )
    );
}

#[tokio::test]
async fn without_a_credential_nothing_is_put_in() {
    let recorder = Recorder::start(|_, _| ok("fine")).await;
    let world = World::new(&recorder, None);
    world.answered(call(Method::GET, "/things", FORGED)).await;
    let request = sorted(&recorder.request(), &recorder);
    let expected = "GET /v1/things HTTP/1.1\nhost: PLACE\nvia: 1.1 countersign\nx-api-key: callers-key\nx-plain: stays\n";
    assert_eq!(request, expected);
}

#[tokio::test]
async fn a_signature_of_ours_covers_the_body_that_goes_up() {
    let credential = json!({
        "kind": "hmac", "key": "a-signing-key-of-the-upstream", "header": "X-Signature",
        "template": "{timestamp}.{method}.{path}.{body}", "timestamp_header": "X-Timestamp"
    });
    let recorder = Recorder::start(|_, _| ok("fine")).await;
    let world = World::new(&recorder, Some(&credential));
    world.answered(post("/things", "{\"a\":1}")).await;
    let request = recorder.request();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"a-signing-key-of-the-upstream");
    let signed = format!("{NOW}.POST./v1/things.{{\"a\":1}}");
    let tag = hex::encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()));
    assert!(request.contains(&format!("x-signature: {tag}\r\n")), "{request}");
    assert!(request.contains(&format!("x-timestamp: {NOW}\r\n")), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
}

#[tokio::test]
async fn aws_signs_the_place_the_body_and_the_time() {
    let credential = json!({
        "kind": "aws-sigv4", "access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "region": "eu-central-1", "service": "execute-api"
    });
    let recorder = Recorder::start(|_, _| ok("fine")).await;
    let world = World::new(&recorder, Some(&credential));
    world.answered(post("/things", "{\"a\":1}")).await;
    let request = recorder.request();
    let scope = "Credential=AKIDEXAMPLE/20261124/eu-central-1/execute-api/aws4_request";
    assert!(request.contains(scope), "{request}");
    assert!(request.contains("x-amz-date: 20261124T000000Z\r\n"), "{request}");
    assert!(request.contains("host;"), "the place is signed: {request}");
    assert!(!request.contains("wJalrXUtnFEMI"), "{request}");
}
