//! Getting tokens: once for all, in time, and never in a way that hurts the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign_client::{SecretString, TokenError, TokenSource, TokenSourceBuilder};

use crate::support::{CLIENT, Fixed, Issuer, PROJECT, Say, later};

const SECRET: &str = "csk_0123456789abcdefghijklmnopqrstuvwxyz";

fn source(issuer: &Issuer) -> TokenSourceBuilder {
    TokenSource::builder()
        .url(&issuer.url)
        .project_id(PROJECT)
        .client_id(CLIENT)
        .client_secret(SECRET)
        .chance(Fixed(0.0))
}

fn issues(token: &str, expires_in: u64) -> Say {
    Say::Json(format!(
        r#"{{"status_code":200,"request_id":"r","access_token":"{token}","token_type":"bearer","expires_in":{expires_in}}}"#
    ))
}

fn away() -> Say {
    Say::Status(503, &[], String::new())
}

async fn text(source: &TokenSource) -> String {
    source.token().await.unwrap().expose().to_owned()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

// Once for all

#[tokio::test]
async fn a_thousand_callers_make_one_request() {
    let issuer = Issuer::start(issues("one", 3600)).await;
    let source = source(&issuer)
        .scopes(["read:users", "write:*"])
        .resource("https://id.example/gateway")
        .build()
        .unwrap();
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let source = source.clone();
            tokio::spawn(async move { text(&source).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "one");
    }
    let asked = issuer.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "POST");
    assert_eq!(asked[0].path, format!("/v1/public/{PROJECT}/oauth2/token"));
    assert_eq!(
        asked[0].headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(asked[0].headers.get("authorization"), None);
    assert_eq!(
        asked[0].body,
        format!(
            "grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}\
             &scope=read%3Ausers+write%3A*&resource=https%3A%2F%2Fid.example%2Fgateway"
        )
    );
}

#[tokio::test]
async fn a_caller_who_hangs_up_takes_nothing_from_the_others() {
    let issuer = Issuer::start(Say::Nothing).await;
    let source = source(&issuer).build().unwrap();
    for _ in 0..10 {
        let source = source.clone();
        let caller = tokio::spawn(async move { source.token().await });
        issuer.was_asked(1).await;
        caller.abort();
        let _ = caller.await;
    }
    assert_eq!(issuer.times(), 1);
}

// In time

#[tokio::test]
async fn a_token_is_renewed_between_seventy_five_and_ninety_percent_of_its_life() {
    for (chance, percent) in [(0.0, 75), (1.0, 90)] {
        let issuer = Issuer::start(issues("one", 1_000)).await;
        let source = source(&issuer).chance(Fixed(chance)).build().unwrap();
        assert_eq!(text(&source).await, "one");
        issuer.says([issues("two", 1_000)]);

        later(seconds(percent * 10 - 5)).await;
        assert_eq!(text(&source).await, "one");
        assert_eq!(issuer.times(), 1);

        later(seconds(6)).await;
        assert_eq!(text(&source).await, "one", "nobody waits for the new one");
        issuer.was_asked(2).await;
        // It was asked; the answer may still be on its way.
        for _ in 0..1_000 {
            if text(&source).await == "two" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(text(&source).await, "two");
        assert_eq!(issuer.times(), 2, "renewed once");
    }
}

#[tokio::test]
async fn a_token_about_to_expire_is_not_given_out_without_a_try() {
    let issuer = Issuer::start(issues("one", 1_000)).await;
    let source = source(&issuer).build().unwrap();
    assert_eq!(text(&source).await, "one");
    issuer.says([issues("two", 1_000)]);
    later(seconds(991)).await;
    assert_eq!(text(&source).await, "two");
}

#[tokio::test]
async fn the_old_token_is_given_out_while_the_server_is_away() {
    let issuer = Issuer::start(issues("one", 1_000)).await;
    let source = source(&issuer)
        .total_timeout(Duration::from_millis(60))
        .build()
        .unwrap();
    assert_eq!(text(&source).await, "one");
    issuer.says([away()]);
    later(seconds(800)).await;
    for _ in 0..50 {
        assert_eq!(text(&source).await, "one");
    }
    issuer.was_asked(2).await;
    // Also when that renewal has failed, the server is left alone for some seconds.
    for _ in 0..40 {
        assert_eq!(text(&source).await, "one");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(issuer.times(), 2);
    later(seconds(195)).await;
    assert_eq!(text(&source).await, "one", "5 s are left, and there is no other");
    assert!(issuer.times() > 2, "it was tried");

    later(seconds(6)).await;
    let error = source.token().await.unwrap_err();
    assert_eq!(
        error,
        TokenError::Unavailable {
            code: "http_503".into(),
            status: 503,
            retry_after: None,
            request_id: None
        }
    );
    issuer.says([issues("two", 1_000)]);
    later(seconds(1)).await;
    assert_eq!(text(&source).await, "two");
}

#[tokio::test]
async fn a_token_that_was_refused_somewhere_is_forgotten_once() {
    let issuer = Issuer::start(issues("one", 1_000)).await;
    let source = source(&issuer).build().unwrap();
    let one = source.token().await.unwrap();
    issuer.says([issues("two", 1_000), issues("three", 1_000)]);
    source.forget(&one);
    assert_eq!(text(&source).await, "two");
    source.forget(&one);
    assert_eq!(text(&source).await, "two", "it is another one by now");
    assert_eq!(issuer.times(), 2);
}

#[tokio::test]
async fn a_secret_that_is_brought_is_asked_for_each_time() {
    let issuer = Issuer::start(issues("one", 1_000)).await;
    let number = Arc::new(AtomicUsize::new(0));
    let brings = number.clone();
    let source = source(&issuer)
        .client_secret_from(move || {
            let number = brings.fetch_add(1, Ordering::SeqCst);
            async move {
                match number {
                    2 => Err("the vault is sealed with secret-2"),
                    _ => Ok(SecretString::from(format!("secret-{number}"))),
                }
            }
        })
        .build()
        .unwrap();
    for _ in 0..2 {
        let token = source.token().await.unwrap();
        later(seconds(11)).await;
        source.forget(&token);
    }
    let bodies: Vec<_> = issuer.asked().into_iter().map(|asked| asked.body).collect();
    assert!(bodies[0].ends_with("client_secret=secret-0"), "{bodies:?}");
    assert!(bodies[1].ends_with("client_secret=secret-1"), "{bodies:?}");

    let error = source.token().await.unwrap_err();
    assert_eq!(error.code(), "secret_unavailable");
    let printed = format!("{error} {error:?}");
    assert!(!printed.contains("secret-2"), "{printed}");
    assert_eq!(issuer.times(), 2);
}

#[tokio::test]
async fn a_secret_that_does_not_come_holds_nobody_up() {
    type Bring = fn() -> std::pin::Pin<Box<dyn Future<Output = Result<SecretString, ()>> + Send>>;
    let never: Bring = || Box::pin(std::future::pending());
    let empty: Bring = || Box::pin(async { Ok(SecretString::from("")) });
    let fails: Bring = || Box::pin(async { Err(()) });
    let panics: Bring = || panic!("on purpose");
    let panics_later: Bring = || {
        Box::pin(async {
            tokio::task::yield_now().await;
            panic!("on purpose")
        })
    };
    let issuer = Issuer::start(issues("one", 1_000)).await;
    for (name, bring) in [
        ("never", never),
        ("empty", empty),
        ("fails", fails),
        ("panics", panics),
        ("panics later", panics_later),
    ] {
        let source = source(&issuer)
            .client_secret_from(bring)
            .attempt_timeout(Duration::from_millis(20))
            .build()
            .unwrap();
        let token = tokio::time::timeout(seconds(20), source.token());
        let error = token.await.expect(name).unwrap_err();
        assert_eq!(error, TokenError::SecretUnavailable, "{name}");
    }
    assert_eq!(issuer.times(), 0);
}

// Never in a way that hurts

#[tokio::test]
async fn a_refusal_ends_it_at_once() {
    let body = r#"{"status_code":400,"request_id":"request-id-test-7","error":"invalid_client","error_description":"no","error_uri":"u"}"#;
    let issuer = Issuer::start(Say::Status(400, &[], body.into())).await;
    let source = source(&issuer).build().unwrap();
    let error = source.token().await.unwrap_err();
    assert_eq!(
        error,
        TokenError::Refused {
            code: "invalid_client".into(),
            description: Some("no".into()),
            status: 400,
            request_id: Some("request-id-test-7".into()),
        }
    );
    assert_eq!(issuer.times(), 1);
    assert!(!format!("{error:?} {error} {source:?}").contains(SECRET));
    issuer.says([issues("one", 1_000)]);
    later(seconds(1)).await;
    assert_eq!(text(&source).await, "one", "a caller after a second asks again");
}

#[tokio::test]
async fn five_hundreds_and_429_are_tried_again() {
    let issuer = Issuer::start(away()).await;
    issuer.says([
        Say::Status(500, &[], "<html>".into()),
        Say::Status(429, &[("retry-after", "0")], "{}".into()),
        Say::Status(502, &[], String::new()),
        issues("one", 1_000),
    ]);
    let source = source(&issuer).build().unwrap();
    let caller = tokio::spawn(async move { text(&source).await });
    for times in 1..4 {
        issuer.was_asked(times).await;
        // The answer has to arrive before the pause begins; then time is moved bit by bit.
        while issuer.times() == times {
            tokio::time::sleep(Duration::from_millis(5)).await;
            later(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(caller.await.unwrap(), "one");
    assert_eq!(issuer.times(), 4);
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_kept() {
    let issuer = Issuer::start(away()).await;
    issuer.says([
        Say::Status(429, &[("retry-after", "7")], String::new()),
        issues("one", 1_000),
    ]);
    let source = source(&issuer).build().unwrap();
    let begun = tokio::time::Instant::now();
    let caller = tokio::spawn(async move { text(&source).await });
    issuer.was_asked(1).await;
    while issuer.times() == 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        later(Duration::from_millis(100)).await;
    }
    assert!(begun.elapsed() >= seconds(7), "{:?}", begun.elapsed());
    assert_eq!(caller.await.unwrap(), "one");
}

#[tokio::test]
async fn a_wait_longer_than_all_patience_is_not_begun() {
    let issuer = Issuer::start(Say::Status(
        503,
        &[("retry-after", "3600")],
        r#"{"status_code":503,"request_id":"r","error_type":"x","error_message":"m"}"#.into(),
    ))
    .await;
    let source = source(&issuer).build().unwrap();
    let error = source.token().await.unwrap_err();
    assert_eq!(
        error,
        TokenError::Unavailable {
            code: "x".into(),
            status: 503,
            retry_after: Some(seconds(3600)),
            request_id: Some("r".into())
        }
    );
    assert_eq!(issuer.times(), 1);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_given_up_in_time() {
    let issuer = Issuer::start(away()).await;
    let source = source(&issuer)
        .total_timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    drop(issuer);
    let error = source.token().await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");

    let silent = Issuer::start(Say::Nothing).await;
    let source = self::source(&silent)
        .attempt_timeout(Duration::from_millis(20))
        .total_timeout(Duration::from_millis(30))
        .build()
        .unwrap();
    assert_eq!(source.token().await.unwrap_err(), TokenError::TimedOut);
    assert_eq!(TokenError::TimedOut.code(), "timeout");
}

#[tokio::test]
async fn the_secret_follows_no_redirect() {
    let elsewhere = Issuer::start(issues("stolen", 1_000)).await;
    let location: &'static str = elsewhere.url.clone().leak();
    for status in [301, 302, 303, 307, 308] {
        let redirect: &'static [(&str, &str)] = vec![("location", location)].leak();
        let issuer = Issuer::start(Say::Status(status, redirect, String::new())).await;
        let error = source(&issuer).build().unwrap().token().await.unwrap_err();
        assert_eq!(error.code(), "redirected");
    }
    assert_eq!(elsewhere.times(), 0);
}

#[tokio::test]
async fn what_is_no_token_is_none() {
    let long = format!(
        r#"{{"access_token":"{}","token_type":"bearer","expires_in":1}}"#,
        "x".repeat(64 * 1024)
    );
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"access_token":"a","token_type":"bearer"}"#,
        r#"{"access_token":"a","token_type":"DPoP","expires_in":1}"#,
        r#"{"access_token":"a\r\nb","token_type":"bearer","expires_in":1}"#,
        r#"{"access_token":"","token_type":"bearer","expires_in":1}"#,
        r#"{"access_token":"a","token_type":"bearer","expires_in":-1}"#,
        r#"{"access_token":"a","token_type":"bearer","expires_in":0.5}"#,
        r#"{"access_token":"a","token_type":"bearer","expires_in":"3600"}"#,
        &long,
    ] {
        let issuer = Issuer::start(Say::Json(body.to_owned())).await;
        let error = source(&issuer).build().unwrap().token().await.unwrap_err();
        assert_eq!(error.code(), "invalid_answer", "{body:.80}");
        assert_eq!(issuer.times(), 1, "{body:.80}");
    }
    let forever = Issuer::start(issues("one", u64::MAX)).await;
    assert_eq!(text(&source(&forever).build().unwrap()).await, "one");
}

#[tokio::test]
async fn a_token_that_is_expired_already_is_none() {
    let issuer = Issuer::start(issues("one", 0)).await;
    let error = source(&issuer).build().unwrap().token().await.unwrap_err();
    assert_eq!(error.code(), "invalid_answer");
}

#[tokio::test]
async fn a_token_of_a_short_life_is_used_for_most_of_it() {
    for life in [8, 10] {
        let issuer = Issuer::start(issues("one", life)).await;
        let source = source(&issuer).build().unwrap();
        for _ in 0..50 {
            assert_eq!(text(&source).await, "one");
        }
        assert_eq!(issuer.times(), 1, "{life} s");
    }
}

#[tokio::test]
async fn a_life_may_be_written_with_a_point() {
    let body = r#"{"access_token":"one","token_type":"bearer","expires_in":3600.0}"#;
    let issuer = Issuer::start(Say::Json(body.into())).await;
    let token = source(&issuer).build().unwrap().token().await.unwrap();
    assert!(token.expires_in() > seconds(3_500), "{token:?}");
}

#[tokio::test]
async fn a_redirect_followed_by_the_callers_client_is_told_as_one() {
    let elsewhere = Issuer::start(issues("stolen", 1_000)).await;
    let location: &'static str = elsewhere.url.clone().leak();
    let redirect: &'static [(&str, &str)] = vec![("location", location)].leak();
    let issuer = Issuer::start(Say::Status(307, redirect, String::new())).await;
    let follows = reqwest::Client::builder().no_proxy().build().unwrap();
    let source = source(&issuer).http(follows).build().unwrap();
    assert_eq!(source.token().await.unwrap_err().code(), "redirected");
}

#[tokio::test]
async fn a_refusal_is_told_to_everybody_for_a_second() {
    let issuer = Issuer::start(Say::Status(400, &[], r#"{"error":"invalid_client"}"#.into())).await;
    let source = source(&issuer).build().unwrap();
    for _ in 0..50 {
        assert_eq!(source.token().await.unwrap_err().code(), "invalid_client");
    }
    assert_eq!(issuer.times(), 1);
    later(seconds(1)).await;
    assert_eq!(source.token().await.unwrap_err().code(), "invalid_client");
    assert_eq!(issuer.times(), 2);
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_is_for_a_minute_at_most() {
    let issuer = Issuer::start(Say::Status(503, &[("retry-after", "3600")], String::new())).await;
    let source = source(&issuer).build().unwrap();
    source.token().await.unwrap_err();
    later(seconds(55)).await;
    assert_eq!(source.token().await.unwrap_err().code(), "http_503");
    assert_eq!(issuer.times(), 1);
    later(seconds(6)).await;
    issuer.says([issues("one", 1_000)]);
    assert_eq!(text(&source).await, "one");
}

#[tokio::test]
async fn what_replaces_a_forgotten_token_is_kept_for_ten_seconds() {
    let issuer = Issuer::start(issues("one", 1_000)).await;
    issuer.says([issues("one", 1_000), issues("two", 1_000), issues("three", 1_000)]);
    let source = source(&issuer).build().unwrap();
    for _ in 0..50 {
        let token = source.token().await.unwrap();
        source.forget(&token);
    }
    assert_eq!(text(&source).await, "two");
    assert_eq!(issuer.times(), 2);
    later(seconds(11)).await;
    source.forget(&source.token().await.unwrap());
    assert_eq!(text(&source).await, "three");
}
