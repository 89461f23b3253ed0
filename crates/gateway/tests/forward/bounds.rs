//! What a call may take, and what happens when a side does not keep to it.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use countersign_gateway::forward::{BoxError, Limits, Outgoing};
use http::Method;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::json;

use super::recorder::{Answer, Recorder, ok, with_head};
use super::world::{World, body, call, post};

fn get() -> Outgoing {
    call(Method::GET, "/", &[])
}

fn streamed(pieces: Vec<Result<&'static str, BoxError>>, then_waits: bool) -> Outgoing {
    let pieces = pieces
        .into_iter()
        .map(|piece| piece.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))));
    let stream = futures_util::stream::iter(pieces);
    let mut call = post("/", "");
    call.body = if then_waits {
        let stream = futures_util::StreamExt::chain(stream, futures_util::stream::pending());
        StreamBody::new(stream).boxed_unsync()
    } else {
        StreamBody::new(stream).boxed_unsync()
    };
    call
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_and_while_it_is_sent() {
    let recorder = Recorder::start(|_, _| ok("")).await;
    let limits = Limits {
        request_body_bytes: 8,
        ..Limits::default()
    };
    let world = World::with_limits(&recorder, None, limits);
    assert_eq!(world.answered(post("/", "12345678")).await.status, 200);
    assert_eq!(
        world.refused(post("/", "123456789")).await,
        (413, "body_too_large")
    );
    assert_eq!(recorder.requests().len(), 1, "the second was not begun");
    let pieces = vec![Ok("12345678"), Ok("9")];
    assert_eq!(
        world.refused(streamed(pieces, false)).await,
        (413, "body_too_large")
    );
}

#[tokio::test]
async fn a_body_to_be_signed_has_a_bound_of_its_own() {
    let recorder = Recorder::start(|_, _| ok("")).await;
    let credential = json!({
        "kind": "hmac", "key": "a-signing-key-of-the-upstream", "header": "x-signature", "template": "{body}"
    });
    let world = World::new(&recorder, Some(&credential));
    let large = "x".repeat(10 * 1024 * 1024 + 1);
    assert_eq!(world.refused(post("/", &large)).await, (413, "body_too_large"));
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn a_body_that_is_kept_must_go_on_and_its_time_is_not_the_providers() {
    let recorder = Recorder::start(|_, _| ok("")).await;
    let credential = json!({
        "kind": "hmac", "key": "a-signing-key-of-the-upstream", "header": "x-signature", "template": "{body}"
    });
    let limits = Limits {
        head_within: Duration::from_millis(300),
        idle_for: Duration::from_millis(300),
        ..Limits::default()
    };
    let world = World::with_limits(&recorder, Some(&credential), limits);
    let slowly = futures_util::stream::unfold(0, |number| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let frame = Frame::data(Bytes::from_static(b"x"));
        (number < 5).then_some((Ok::<_, BoxError>(frame), number + 1))
    });
    let mut call = post("/", "");
    call.body = StreamBody::new(slowly).boxed_unsync();
    assert_eq!(world.answered(call).await.status, 200);
    assert_eq!(
        world.refused(streamed(vec![Ok("1")], true)).await,
        (400, "body_broke_off")
    );
    assert_eq!(recorder.requests().len(), 1);
}

#[tokio::test]
async fn who_breaks_off_is_told_apart() {
    let recorder = Recorder::start(|_, _| Answer::Nothing).await;
    let world = World::new(&recorder, None);
    assert_eq!(world.refused(get()).await, (502, "provider_broke_off"));
    let pieces = vec![Ok("1"), Err("gone".into())];
    assert_eq!(
        world.refused(streamed(pieces, false)).await,
        (400, "body_broke_off")
    );
}

#[tokio::test]
async fn who_stands_still_is_told_apart() {
    let recorder = Recorder::start(|_, _| Answer::Silence).await;
    let limits = Limits {
        head_within: Duration::from_millis(100),
        ..Limits::default()
    };
    let world = World::with_limits(&recorder, None, limits);
    assert_eq!(world.refused(get()).await, (504, "provider_timed_out"));
    assert_eq!(
        world.refused(streamed(vec![Ok("1")], true)).await,
        (400, "body_broke_off")
    );
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_left_alone_after_a_while() {
    let recorder = Recorder::start(|_, _| Answer::Nothing).await;
    let world = World::new(&recorder, None);
    for _ in 0..5 {
        assert_eq!(world.refused(get()).await.0, 502);
    }
    let before = recorder.connections();
    let error = world.send(get()).await.err().unwrap();
    assert_eq!((error.status().as_u16(), error.code()), (503, "provider_down"));
    assert!(error.retry_after().is_some());
    assert_eq!(recorder.connections(), before);
}

#[tokio::test]
async fn a_callers_mistakes_do_not_count_against_the_provider() {
    let recorder = Recorder::start(|_, _| ok("")).await;
    let world = World::new(&recorder, None);
    for _ in 0..20 {
        let pieces = vec![Ok("1"), Err("gone".into())];
        assert_eq!(world.refused(streamed(pieces, false)).await.1, "body_broke_off");
    }
    assert_eq!(world.answered(get()).await.status, 200);
}

#[tokio::test]
async fn places_are_given_back_when_a_call_has_ended() {
    let recorder = Recorder::start(|_, _| ok("text")).await;
    let limits = Limits {
        concurrency: 1,
        ..Limits::default()
    };
    let world = World::with_limits(&recorder, None, limits);
    let held = world.send(get()).await.unwrap();
    assert_eq!(world.refused(get()).await, (503, "provider_busy"));
    drop(held);
    assert_eq!(world.answered(get()).await.text, "text");
    assert_eq!(world.answered(get()).await.text, "text");
}

#[tokio::test]
async fn a_rate_that_is_used_up_reaches_nobody() {
    let recorder = Recorder::start(|_, _| ok("")).await;
    let limits = Limits {
        caller_calls_per_second: NonZeroU32::new(1),
        ..Limits::default()
    };
    let world = World::with_limits(&recorder, None, limits);
    assert_eq!(world.answered(get()).await.status, 200);
    assert_eq!(world.refused(get()).await, (429, "rate_limited"));
    assert_eq!(recorder.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_too_large_or_stands_still_breaks_off() {
    let recorder = Recorder::start(|number, _| {
        if number == 1 {
            ok("123456789")
        } else {
            Answer::Whole("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1".into())
        }
    })
    .await;
    let limits = Limits {
        response_body_bytes: Some(8),
        idle_for: Duration::from_millis(100),
        ..Limits::default()
    };
    let world = World::with_limits(&recorder, None, limits);
    for _ in 0..2 {
        let answer = world.send(get()).await.unwrap();
        assert!(answer.into_body().collect().await.is_err());
    }
}

#[tokio::test]
async fn an_answer_with_too_large_a_head_is_none() {
    let recorder = Recorder::start(|_, _| {
        let field = format!("X-Large: {}\r\n", "x".repeat(300_000));
        with_head("200 OK", &field, "")
    })
    .await;
    assert_eq!(World::new(&recorder, None).refused(get()).await.0, 502);
}

#[tokio::test]
async fn calls_are_repeated_only_when_asked_for_and_only_those_that_may_be() {
    let script = |number: usize, _: &str| {
        if number.is_multiple_of(3) {
            ok("third")
        } else {
            with_head("503 Unavailable", "", "")
        }
    };
    let asked = Limits {
        retries: 2,
        ..Limits::default()
    };
    let put = || Outgoing {
        body: body("same"),
        ..call(Method::PUT, "/", &[])
    };
    let recorder = Recorder::start(script).await;
    assert_eq!(World::new(&recorder, None).answered(get()).await.status, 503);
    assert_eq!(recorder.requests().len(), 1);

    for (call, attempts) in [(get(), 3), (put(), 3), (post("/", "new"), 1)] {
        let recorder = Recorder::start(script).await;
        let world = World::with_limits(&recorder, None, asked);
        let answered = world.answered(call).await;
        assert_eq!(answered.status == 200, attempts == 3);
        let requests = recorder.requests();
        assert_eq!(requests.len(), attempts);
        assert!(
            requests.iter().all(|request| *request == requests[0]),
            "{requests:#?}"
        );
    }
}

#[tokio::test]
async fn a_provider_that_names_a_time_is_not_asked_before() {
    let recorder = Recorder::start(|_, _| with_head("503 Unavailable", "Retry-After: 5\r\n", "")).await;
    let limits = Limits {
        retries: 3,
        ..Limits::default()
    };
    assert_eq!(
        World::with_limits(&recorder, None, limits)
            .answered(get())
            .await
            .status,
        503
    );
    assert_eq!(recorder.requests().len(), 1);
}

#[tokio::test]
async fn a_caller_has_so_many_calls_at_once_until_their_answers_have_ended() {
    let recorder = Recorder::start(|_, _| ok("an answer")).await;
    let limits = Limits {
        caller_concurrency: Some(1),
        ..Limits::default()
    };
    let world = World::with_limits(&recorder, None, limits);
    let first = world.send(get()).await.unwrap();
    assert_eq!(world.refused(get()).await, (429, "caller_busy"));
    drop(first);
    assert_eq!(world.answered(get()).await.status, 200);
    assert_eq!(recorder.requests().len(), 2);
}

#[tokio::test]
async fn what_a_caller_may_take_in_a_day_is_counted_in_bytes_of_both_ways() {
    let recorder = Recorder::start(|_, _| ok("12345")).await;
    let limits = Limits {
        caller_bytes_per_day: Some(8),
        ..Limits::default()
    };
    let world = World::with_limits(&recorder, None, limits);
    assert_eq!(world.answered(post("/", "12")).await.status, 200);
    // Seven are taken: this one goes to its end.
    assert_eq!(world.answered(post("/", "12")).await.text, "12345");
    assert_eq!(world.refused(get()).await, (429, "quota_used"));
    assert_eq!(recorder.requests().len(), 2);
}
