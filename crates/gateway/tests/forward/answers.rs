//! What comes down.

use countersign_gateway::forward::HowEnded;
use http::Method;
use serde_json::json;

use super::recorder::{Answer, Recorder, ok, with_head};
use super::world::{World, call, post};

const TOKEN: &str = "upstream-token-0123456789";

fn bearer() -> serde_json::Value {
    json!({"kind": "bearer", "token": TOKEN})
}

#[tokio::test]
async fn an_answer_passes_with_its_status_fields_and_body() {
    let recorder = Recorder::start(|_, _| {
        with_head(
            "418 I'm a teapot",
            "X-Of-Provider: 1\r\nContent-Type: application/json\r\n",
            "{\"a\":1}",
        )
    })
    .await;
    let answered = World::new(&recorder, Some(&bearer())).get("/").await;
    assert_eq!((answered.status, answered.text.as_str()), (418, "{\"a\":1}"));
    assert_eq!(answered.headers["x-of-provider"], "1");
    assert_eq!(answered.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn an_echoed_credential_does_not_come_back() {
    let recorder = Recorder::start(|_, request| {
        let fields = format!("Content-Type: text/html\r\nX-Echo: Bearer {TOKEN}\r\n");
        with_head("401 Unauthorized", &fields, &format!("you sent: {request}"))
    })
    .await;
    let world = World::new(&recorder, Some(&bearer()));
    let answered = world.get("/").await;
    assert_eq!(answered.headers["x-echo"], "Bearer [redacted]");
    assert!(
        answered.text.contains("authorization: Bearer [redacted]"),
        "{}",
        answered.text
    );
    assert!(!answered.text.contains(TOKEN));
    assert_eq!(world.ended()[0].scrub_hits, 2);
}

#[tokio::test]
async fn what_speaks_for_our_origin_does_not_come_down() {
    let recorder = Recorder::start(|_, _| {
        let fields = "Content-Type: text/html\r\nSet-Cookie: a=b\r\nAccess-Control-Allow-Origin: *\r\n\
            Strict-Transport-Security: max-age=1\r\nAlt-Svc: h3=\":443\"\r\nClear-Site-Data: \"*\"\r\n\
            Countersign-Error: gateway\r\n";
        with_head("200 OK", fields, "<script>")
    })
    .await;
    let answered = World::new(&recorder, Some(&bearer())).get("/").await;
    for name in [
        "set-cookie",
        "access-control-allow-origin",
        "strict-transport-security",
        "alt-svc",
        "clear-site-data",
        "countersign-error",
    ] {
        assert!(!answered.headers.contains_key(name), "{name}");
    }
    assert_eq!(answered.headers["content-security-policy"], "sandbox");
}

#[tokio::test]
async fn a_redirect_is_the_callers_to_follow() {
    for status in [
        "301 Moved",
        "302 Found",
        "303 See",
        "307 Temporary",
        "308 Permanent",
    ] {
        let elsewhere = Recorder::start(|_, _| ok("stolen")).await;
        let location = format!("Location: http://{}/\r\n", elsewhere.address);
        let recorder = Recorder::start(move |_, _| with_head(status, &location, "")).await;
        let answered = World::new(&recorder, Some(&bearer())).get("/").await;
        assert_eq!(answered.status.to_string(), status[..3]);
        assert!(answered.headers.contains_key("location"));
        assert_eq!((recorder.requests().len(), elsewhere.connections()), (1, 0));
    }
}

#[tokio::test]
async fn a_text_that_cannot_be_searched_is_refused() {
    for (fields, code) in [
        (
            "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n",
            "answer_encoded",
        ),
        (
            "Content-Type: text/plain; charset=utf-16\r\n",
            "answer_character_set",
        ),
        (
            "Content-Type: text/plain\r\nContent-Range: bytes 0-3/9\r\n",
            "answer_range",
        ),
    ] {
        let recorder = Recorder::start(move |_, _| with_head("200 OK", fields, "text")).await;
        let world = World::new(&recorder, Some(&bearer()));
        assert_eq!(world.refused(call(Method::GET, "/", &[])).await, (502, code));
        let open = World::new(&recorder, None);
        assert_eq!(open.get("/").await.text, "text", "there is nothing to find");
    }
}

#[tokio::test]
async fn an_unasked_switch_of_protocols_is_refused() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let recorder = Recorder::start(move |_, _| Answer::Whole(head.to_owned())).await;
    let (status, _) = World::new(&recorder, None)
        .refused(call(Method::GET, "/", &[]))
        .await;
    assert_eq!(status, 502);
}

#[tokio::test]
async fn bytes_are_counted_both_ways() {
    let recorder = Recorder::start(|_, _| ok("seven b")).await;
    let world = World::new(&recorder, None);
    world.answered(post("/", "three")).await;
    let ended = world.ended();
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].bytes_up, ended[0].bytes_down), (5, 7));
    assert_eq!(ended[0].how, HowEnded::Complete);
}

#[tokio::test]
async fn a_head_alone_and_an_empty_answer_are_complete() {
    let recorder = Recorder::start(|_, request| {
        if request.starts_with("HEAD") {
            Answer::Whole("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n".into())
        } else {
            Answer::Whole("HTTP/1.1 204 No Content\r\n\r\n".into())
        }
    })
    .await;
    let world = World::new(&recorder, Some(&bearer()));
    let head = world.answered(call(Method::HEAD, "/", &[])).await;
    assert_eq!(head.headers["content-length"], "9");
    assert_eq!(world.get("/").await.status, 204);
    let how: Vec<_> = world.ended().iter().map(|ended| ended.how).collect();
    assert_eq!(how, [HowEnded::Complete, HowEnded::Complete]);
}
