//! Rates: refusals by source, tokens by source and project. Nobody can be locked out by somebody else.

use countersign::config::Config;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::answer::Answer;
use crate::support::caller::Caller;
use crate::support::tokens::stytch_jwks_path;
use crate::support::{NewClient, TestApp, token_request};

const GUESSER: &str = "203.0.113.66";
const REFUSALS: u32 = 3;

async fn app() -> TestApp {
    TestApp::with(|config| config.limits.refusals_per_source_per_minute = REFUSALS).await
}

/// Asks for a token from an address.
async fn ask(app: &TestApp, address: &str, id: &str, secret: &str) -> Answer {
    ask_by(app, &app.anonymous().at(address), id, secret).await
}

async fn ask_by(app: &TestApp, caller: &Caller<'_>, id: &str, secret: &str) -> Answer {
    let body = token_request(id, secret);
    caller.post(&app.token_path(), body).await
}

/// Guesses until the source is blocked; how often it was refused before.
async fn guess_until_blocked(app: &TestApp, caller: &Caller<'_>, client: &NewClient) -> u32 {
    for refused in 0..100 {
        let answer = ask_by(app, caller, &client.id, "wrong").await;
        if answer.status == 429 {
            assert_blocked(&answer);
            return refused;
        }
        answer.oauth(400, "invalid_client");
    }
    panic!("never blocked");
}

#[track_caller]
fn assert_blocked(answer: &Answer) {
    answer.problem(429, "too_many_requests");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

// ## Refusals

#[tokio::test]
async fn a_source_that_guesses_is_told_to_wait_and_no_other() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    let guesser = app.anonymous().at(GUESSER);
    let refused = guess_until_blocked(&app, &guesser, &client).await;
    assert_eq!(
        refused,
        REFUSALS + 1,
        "the last one is still told that it was wrong"
    );
    assert_blocked(&ask(&app, GUESSER, "another", "x").await);
    ask(&app, "203.0.113.67", &client.id, "wrong")
        .await
        .oauth(400, "invalid_client");
}

/// The lockout that is none: a correct secret from a source without failures always passes.
#[tokio::test]
async fn a_flood_against_a_client_does_not_hurt_the_client() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    for number in 0..30 {
        let guesser = app.anonymous().at(&format!("203.0.113.{number}"));
        guess_until_blocked(&app, &guesser, &client).await;
        ask(&app, "198.51.100.1", &client.id, &client.secret).await.ok();
    }
}

/// Its next guess is not even looked at, so being blocked says nothing about the guess.
#[tokio::test]
async fn a_blocked_source_learns_nothing_more() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    let guesser = app.anonymous().at(GUESSER);
    guess_until_blocked(&app, &guesser, &client).await;
    let (answer, asked) = app
        .store
        .asked_during(ask_by(&app, &guesser, &client.id, &client.secret))
        .await;
    assert_blocked(&answer);
    assert!(asked.is_empty());
}

#[tokio::test]
async fn a_block_holds_wherever_credentials_are_shown_and_nowhere_else() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    guess_until_blocked(&app, &app.anonymous().at(GUESSER), &client).await;
    assert_blocked(&app.backend().at(GUESSER).get("/v1/debug/whoami").await);
    assert_blocked(&app.admin().at(GUESSER).get("/admin/v1/projects").await);
    for path in ["/healthz", "/errors", &stytch_jwks_path(&app.project.id)] {
        assert_eq!(app.anonymous().at(GUESSER).get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn every_kind_of_credentials_counts() {
    for kind in ["project", "operator", "token"] {
        let app = app().await;
        let guesser = app.anonymous().at(GUESSER);
        for _ in 0..=REFUSALS {
            let answer = match kind {
                "project" => {
                    guesser
                        .clone()
                        .basic(&app.project.id, "wrong")
                        .get("/v1/debug/whoami")
                        .await
                }
                "operator" => {
                    guesser
                        .clone()
                        .bearer("cso_wrong")
                        .get("/admin/v1/projects")
                        .await
                }
                _ => ask_by(&app, &guesser, "nobody", "wrong").await,
            };
            assert!([400, 401].contains(&answer.status.as_u16()), "{kind}");
        }
        assert_blocked(&ask_by(&app, &guesser, "nobody", "wrong").await);
    }
}

#[tokio::test]
async fn what_is_no_refused_secret_does_not_count() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    for _ in 0..10 {
        let caller = app.anonymous().at(GUESSER);
        ask_by(&app, &caller, &client.id, &client.secret).await.ok();
        caller
            .form(&app.token_path(), "grant_type=client_credentials")
            .await
            .oauth(400, "invalid_request");
        caller
            .get("/v1/debug/whoami")
            .await
            .problem(401, "invalid_authorization_header");
        app.backend()
            .at(GUESSER)
            .get("/v1/m2m/clients/nobody")
            .await
            .problem(404, "m2m_client_not_found");
    }
    ask(&app, GUESSER, "nobody", "wrong")
        .await
        .oauth(400, "invalid_client");
}

#[tokio::test]
async fn a_limit_of_zero_is_none() {
    let app = TestApp::with(|config| config.limits.refusals_per_source_per_minute = 0).await;
    for _ in 0..100 {
        ask(&app, GUESSER, "nobody", "wrong")
            .await
            .oauth(400, "invalid_client");
    }
}

#[tokio::test]
async fn an_ipv6_network_is_one_source() {
    let app = app().await;
    let client = app.create_client(json!({})).await;
    guess_until_blocked(&app, &app.anonymous().at("2001:db8:1:2::1"), &client).await;
    assert_blocked(&ask(&app, "2001:db8:1:2:ffff::9", &client.id, &client.secret).await);
    ask(&app, "2001:db8:1:3::1", &client.id, &client.secret)
        .await
        .ok();
}

// ## Behind proxies

fn behind_proxies(config: &mut Config) {
    config.limits.refusals_per_source_per_minute = REFUSALS;
    config.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
}

#[tokio::test]
async fn a_trusted_proxys_word_is_taken_for_the_callers_address() {
    let app = TestApp::with(behind_proxies).await;
    let client = app.create_client(json!({})).await;
    let forwarded = |address: &str| app.anonymous().at("10.0.0.1").header("x-forwarded-for", address);
    guess_until_blocked(&app, &forwarded(GUESSER), &client).await;
    ask_by(&app, &forwarded("203.0.113.67"), &client.id, &client.secret)
        .await
        .ok();
    // What stands left of the address that the proxy saw was written by the caller.
    assert_blocked(
        &ask_by(
            &app,
            &forwarded(&format!("192.0.2.1, {GUESSER}")),
            &client.id,
            &client.secret,
        )
        .await,
    );
    let backend = app
        .backend()
        .at("10.0.0.1")
        .header("x-forwarded-for", "192.0.2.1, 203.0.113.70, 10.9.9.9");
    backend.post("/v1/m2m/clients", json!({})).await.ok();
    assert_eq!(
        app.events().await.pop().unwrap().address.as_deref(),
        Some("203.0.113.70")
    );
}

#[tokio::test]
async fn a_callers_own_word_is_not() {
    let app = TestApp::with(behind_proxies).await;
    let client = app.create_client(json!({})).await;
    for (number, _) in (0..=REFUSALS).enumerate() {
        let forged = app
            .anonymous()
            .at(GUESSER)
            .header("x-forwarded-for", &format!("192.0.2.{number}"));
        ask_by(&app, &forged, &client.id, "wrong")
            .await
            .oauth(400, "invalid_client");
    }
    let forged = app
        .anonymous()
        .at(GUESSER)
        .header("x-forwarded-for", "192.0.2.99");
    assert_blocked(&ask_by(&app, &forged, &client.id, "wrong").await);
    // Nor can a caller have somebody else blocked.
    ask(&app, "192.0.2.0", &client.id, &client.secret).await.ok();
    app.backend()
        .at(GUESSER)
        .get("/v1/debug/whoami")
        .await
        .problem(429, "too_many_requests");
}

// ## Tokens

/// So many at once that they cannot take as many seconds.
const BURST: usize = 40;

#[tokio::test]
async fn tokens_are_bounded_by_source_when_asked_for() {
    let app = TestApp::with(|config| config.limits.tokens_per_source_per_second = 1).await;
    let client = app.create_client(json!({})).await;
    let answers = join_all((0..BURST).map(|_| ask(&app, GUESSER, &client.id, &client.secret))).await;
    assert!(answers.iter().any(|answer| answer.status == 200));
    let bounded: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(!bounded.is_empty());
    bounded.iter().for_each(|answer| assert_blocked(answer));
    ask(&app, "203.0.113.67", &client.id, &client.secret).await.ok();
    ask(&app, GUESSER, &client.id, "wrong")
        .await
        .oauth(400, "invalid_client");
}

#[tokio::test]
async fn tokens_are_bounded_by_project_when_asked_for() {
    let app = TestApp::with(|config| config.limits.tokens_per_project_per_second = 1).await;
    let client = app.create_client(json!({})).await;
    let other = app.create_other_client(json!({})).await;
    let asking = (0..BURST).map(|number| {
        let (app, client) = (&app, &client);
        async move { ask(app, &format!("203.0.113.{number}"), &client.id, &client.secret).await }
    });
    let answers = join_all(asking).await;
    let bounded = answers
        .iter()
        .find(|answer| answer.status != 200)
        .expect("one too many");
    assert_blocked(bounded);
    let path = crate::support::token_path(&app.other.id);
    let body = token_request(&other.id, &other.secret);
    app.anonymous().post(&path, body).await.ok();
}
