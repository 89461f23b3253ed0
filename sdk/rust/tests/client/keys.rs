//! The issuer's keys: fetched once, kept while it is away, never fetched because an attacker wishes so.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use countersign_client::{KeysProblem, Refusal, Verifier};

use crate::support::{Issuer, Say, claims, later, shows, token, until, verifier};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Longer than any pause after a failure.
const AFTER_A_FAILURE: Duration = Duration::from_secs(31);

async fn code(verifier: &Verifier, token: &str) -> &'static str {
    verifier
        .verify(token)
        .await
        .map_or_else(|refusal| refusal.code(), |_| "good")
}

fn by(kid: &str) -> String {
    token(kid, &claims())
}

fn broken() -> Say {
    Say::Status(500, &[], String::new())
}

// Fetching

#[tokio::test]
async fn a_hundred_callers_have_the_keys_fetched_once() {
    let issuer = Issuer::start(shows(&["k"])).await;
    let verifier = verifier(&issuer).build().unwrap();
    assert_eq!(issuer.times(), 0, "nothing is fetched before it is needed");
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let verifier = verifier.clone();
            tokio::spawn(async move { code(&verifier, &by("k")).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "good");
    }
    let asked = issuer.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "GET");
    assert_eq!(
        asked[0].path,
        format!("/v1/public/{}/jwks.json", crate::support::PROJECT)
    );
    assert_eq!(asked[0].headers.get("authorization"), None);
}

#[tokio::test]
async fn callers_who_hang_up_do_not_make_it_begin_again() {
    let issuer = Issuer::start(Say::Nothing).await;
    let verifier = verifier(&issuer).build().unwrap();
    for _ in 0..20 {
        let (verifier, good) = (verifier.clone(), by("k"));
        let caller = tokio::spawn(async move { verifier.verify(&good).await });
        issuer.was_asked(1).await;
        caller.abort();
        let _ = caller.await;
    }
    assert_eq!(issuer.times(), 1);
}

#[tokio::test]
async fn keys_are_fetched_again_in_the_background() {
    let issuer = Issuer::start(shows(&["k"])).await;
    let verifier = verifier(&issuer).build().unwrap();
    assert_eq!(code(&verifier, &by("k")).await, "good");
    later(5 * MINUTE - Duration::from_secs(1)).await;
    assert_eq!(code(&verifier, &by("k")).await, "good");
    assert_eq!(issuer.times(), 1);

    issuer.says([Say::Nothing]);
    later(Duration::from_secs(2)).await;
    for _ in 0..10 {
        assert_eq!(
            code(&verifier, &by("k")).await,
            "good",
            "nobody waits for the answer"
        );
    }
    issuer.was_asked(2).await;
}

#[tokio::test]
async fn after_a_quiet_time_the_first_token_waits_for_fresh_keys() {
    let issuer = Issuer::start(shows(&["old"])).await;
    let verifier = verifier(&issuer).build().unwrap();
    assert_eq!(code(&verifier, &by("old")).await, "good");
    issuer.says([shows(&["new"])]);
    later(8 * HOUR).await;
    assert_eq!(code(&verifier, &by("old")).await, "unknown_key");
    assert_eq!(code(&verifier, &by("new")).await, "good");
    assert_eq!(issuer.times(), 2);
}

// Rotation

#[tokio::test]
async fn a_new_key_is_found_at_once() {
    let issuer = Issuer::start(shows(&["old"])).await;
    let verifier = verifier(&issuer).build().unwrap();
    assert_eq!(code(&verifier, &by("old")).await, "good");
    issuer.says([shows(&["old", "new"])]);
    assert_eq!(code(&verifier, &by("new")).await, "good");
    assert_eq!(code(&verifier, &by("old")).await, "good");
    assert_eq!(issuer.times(), 2);
}

#[tokio::test]
async fn a_token_seen_before_falls_with_its_key() {
    let issuer = Issuer::start(shows(&["old", "new"])).await;
    let verifier = verifier(&issuer).build().unwrap();
    assert_eq!(code(&verifier, &by("old")).await, "good");
    assert_eq!(code(&verifier, &by("old")).await, "good");
    issuer.says([shows(&["new"])]);
    later(6 * MINUTE).await;
    // This one has the keys fetched in the background and is still judged by the old ones.
    assert_eq!(code(&verifier, &by("new")).await, "good");
    issuer.was_asked(2).await;
    let fallen = async || code(&verifier, &by("old")).await == "unknown_key";
    for _ in 0..1_000 {
        if fallen().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(fallen().await);
    assert_eq!(code(&verifier, &by("new")).await, "good");
}

#[tokio::test]
async fn invented_key_ids_cost_the_issuer_one_question_in_thirty_seconds() {
    let issuer = Issuer::start(shows(&["k"])).await;
    let verifier = verifier(&issuer).build().unwrap();
    assert_eq!(code(&verifier, &by("k")).await, "good");
    for round in 0..3 {
        for number in 0..100 {
            let invented = by(&format!("invented-{round}-{number}"));
            assert_eq!(code(&verifier, &invented).await, "unknown_key");
        }
        assert_eq!(issuer.times(), 2 + round);
        later(Duration::from_secs(31)).await;
    }
    assert_eq!(code(&verifier, &by("k")).await, "good");
}

#[tokio::test]
async fn keys_fetched_for_a_token_are_not_fetched_for_it_again() {
    let issuer = Issuer::start(shows(&["k"])).await;
    let verifier = verifier(&issuer).build().unwrap();
    assert_eq!(code(&verifier, &by("invented")).await, "unknown_key");
    assert_eq!(issuer.times(), 1);
}

// The issuer is away

#[tokio::test]
async fn keys_at_hand_are_used_for_a_day() {
    let issuer = Issuer::start(shows(&["k"])).await;
    let verifier = verifier(&issuer).build().unwrap();
    assert_eq!(code(&verifier, &by("k")).await, "good");
    issuer.says([broken()]);
    for hour in 1..24 {
        later(HOUR).await;
        assert_eq!(code(&verifier, &by("k")).await, "good", "hour {hour}");
        until("the question of this hour", || issuer.times() > hour).await;
    }
    later(HOUR + MINUTE).await;
    let refusal = verifier.verify(&by("k")).await.unwrap_err();
    assert_eq!(refusal.code(), "keys_unavailable", "also for a token seen before");
    assert!(
        matches!(
            refusal,
            Refusal::KeysUnavailable {
                problem: KeysProblem::Status { status: 500 },
                ..
            }
        ),
        "{refusal:?}"
    );

    issuer.says([shows(&["k"])]);
    later(AFTER_A_FAILURE).await;
    assert_eq!(code(&verifier, &by("k")).await, "good");
}

#[tokio::test]
async fn nobody_waits_for_an_issuer_that_is_known_to_be_away() {
    let issuer = Issuer::start(shows(&["k"])).await;
    let verifier = verifier(&issuer).build().unwrap();
    assert_eq!(code(&verifier, &by("k")).await, "good");
    issuer.says([broken(), Say::Nothing]);
    later(HOUR).await;
    assert_eq!(
        code(&verifier, &by("k")).await,
        "good",
        "this one asked and got no keys"
    );
    issuer.was_asked(2).await;
    later(AFTER_A_FAILURE).await;
    // The next question hangs, and these would with it.
    for _ in 0..10 {
        assert_eq!(code(&verifier, &by("k")).await, "good");
    }
    issuer.was_asked(3).await;
}

#[tokio::test]
async fn an_unknown_key_is_nobodys_fault_while_the_issuer_is_away() {
    let issuer = Issuer::start(shows(&["k"])).await;
    let verifier = verifier(&issuer).build().unwrap();
    assert_eq!(code(&verifier, &by("k")).await, "good");
    issuer.says([broken(), shows(&["k", "new"])]);
    assert_eq!(code(&verifier, &by("new")).await, "keys_unavailable");
    assert_eq!(code(&verifier, &by("k")).await, "good");
    later(AFTER_A_FAILURE).await;
    assert_eq!(code(&verifier, &by("new")).await, "good");
}

#[tokio::test]
async fn what_no_key_could_make_good_is_refused_without_keys() {
    let issuer = Issuer::start(broken()).await;
    let verifier = verifier(&issuer)
        .profile(countersign_client::Profile::Stytch)
        .build()
        .unwrap();
    let good = by("k");
    let (_, rest) = good.split_once('.').unwrap();
    let headed = |header: &str| format!("{}.{rest}", BASE64URL.encode(header));
    for (token, expected) in [
        ("rubbish".to_owned(), "malformed"),
        (format!("{good}.x"), "malformed"),
        (format!("{good}="), "malformed"),
        (
            headed(r#"{"alg":"none","kid":"k","typ":"JWT"}"#),
            "unsupported_algorithm",
        ),
        (
            headed(r#"{"alg":"EdDSA","kid":"k","typ":"JWT","crit":["b64"]}"#),
            "critical_header",
        ),
        (
            headed(r#"{"alg":"EdDSA","kid":"k","typ":"at+jwt"}"#),
            "wrong_type",
        ),
        (headed(r#"{"alg":"EdDSA","typ":"JWT"}"#), "missing_key_id"),
    ] {
        assert_eq!(code(&verifier, &token).await, expected, "{token}");
    }
    assert_eq!(issuer.times(), 0, "nor is the issuer asked for its keys");
    assert_eq!(code(&verifier, &good).await, "keys_unavailable");
    assert_eq!(issuer.times(), 1);
}

#[tokio::test]
async fn what_is_no_key_set_is_none() {
    let long = format!(r#"{{"keys": [], "more": "{}"}}"#, "x".repeat(256 * 1024));
    let elsewhere = Issuer::start(shows(&["k"])).await;
    let location: &'static str = elsewhere.url.clone().leak();
    let redirect: &'static [(&str, &str)] = vec![("location", location)].leak();
    for (say, problem) in [
        (broken(), KeysProblem::Status { status: 500 }),
        (
            Say::Status(404, &[], "{}".into()),
            KeysProblem::Status { status: 404 },
        ),
        (
            Say::Status(201, &[], r#"{"keys":[]}"#.into()),
            KeysProblem::Status { status: 201 },
        ),
        (
            Say::Status(302, redirect, String::new()),
            KeysProblem::Status { status: 302 },
        ),
        (Say::Json("<html>".into()), KeysProblem::NotAJwkSet),
        (Say::Json("[]".into()), KeysProblem::NotAJwkSet),
        (Say::Json(long), KeysProblem::TooLong),
    ] {
        let issuer = Issuer::start(say).await;
        let verifier = verifier(&issuer).build().unwrap();
        for _ in 0..10 {
            match verifier.verify(&by("k")).await.unwrap_err() {
                Refusal::KeysUnavailable {
                    problem: found,
                    retry_after,
                } => {
                    assert_eq!(found, problem);
                    assert!(retry_after <= Duration::from_secs(1), "{retry_after:?}");
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(issuer.times(), 1, "it is left alone for a while: {problem:?}");
        issuer.says([shows(&["k"])]);
        later(AFTER_A_FAILURE).await;
        assert_eq!(code(&verifier, &by("k")).await, "good", "{problem:?}");
    }
    assert_eq!(elsewhere.times(), 0, "no redirect is followed");
}

#[tokio::test]
async fn a_redirect_followed_by_the_callers_client_is_refused_afterwards() {
    let elsewhere = Issuer::start(shows(&["k"])).await;
    let location: &'static str = elsewhere.url.clone().leak();
    let redirect: &'static [(&str, &str)] = vec![("location", location)].leak();
    let issuer = Issuer::start(Say::Status(302, redirect, String::new())).await;
    let follows = reqwest::Client::builder().no_proxy().build().unwrap();
    let verifier = verifier(&issuer).http(follows).build().unwrap();
    assert!(matches!(
        verifier.verify(&by("k")).await,
        Err(Refusal::KeysUnavailable {
            problem: KeysProblem::Redirected,
            ..
        })
    ));
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_given_up() {
    let issuer = Issuer::start(Say::Nothing).await;
    let verifier = verifier(&issuer)
        .fetch_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    assert!(matches!(
        verifier.verify(&by("k")).await,
        Err(Refusal::KeysUnavailable {
            problem: KeysProblem::TimedOut,
            ..
        })
    ));
}

#[tokio::test]
async fn pauses_between_failures_double_up_to_half_a_minute() {
    let issuer = Issuer::start(broken()).await;
    let verifier = verifier(&issuer).build().unwrap();
    let mut waits = Vec::new();
    for _ in 0..7 {
        let Err(Refusal::KeysUnavailable { retry_after, .. }) = verifier.verify(&by("k")).await else {
            panic!("there are no keys")
        };
        waits.push(retry_after.as_millis().div_ceil(1_000));
        later(retry_after + Duration::from_millis(1)).await;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    assert_eq!(issuer.times(), 7);
}

#[tokio::test]
async fn an_issuer_that_wants_to_be_left_alone_is_for_a_minute_at_most() {
    for (retry_after, waits) in [("7", 7), ("3600", 60)] {
        let headers: &'static [(&str, &str)] = vec![("retry-after", retry_after)].leak();
        let issuer = Issuer::start(Say::Status(503, headers, String::new())).await;
        let verifier = verifier(&issuer).build().unwrap();
        let Err(Refusal::KeysUnavailable { retry_after, .. }) = verifier.verify(&by("k")).await else {
            panic!("there are no keys")
        };
        assert_eq!(retry_after.as_millis().div_ceil(1_000), waits);
        issuer.says([shows(&["k"])]);
        later(Duration::from_secs(5)).await;
        assert_eq!(code(&verifier, &by("k")).await, "keys_unavailable");
        later(Duration::from_secs(60)).await;
        assert_eq!(code(&verifier, &by("k")).await, "good");
    }
}

#[test]
fn without_a_runtime_there_is_a_refusal_and_no_panic() {
    let verifier = Verifier::builder()
        .url("http://127.0.0.1:9")
        .project_id(crate::support::PROJECT)
        .build()
        .unwrap();
    let good = by("k");
    let mut verifying = std::pin::pin!(verifier.verify(&good));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match verifying.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Err(Refusal::KeysUnavailable { problem, .. })) => {
            assert_eq!(problem, KeysProblem::NoRuntime);
        }
        other => panic!("{other:?}"),
    }
}
