//! Rates: refusals by source, tokens by source and project. Nobody can be locked out by somebody else: `src/limits.rs`.

use crate::support::answer::Answer;
use crate::support::caller::Caller;
use crate::support::{NewClient, TestApp, token_request};

mod proxies;
mod refusals;
mod tokens;

const GUESSER: &str = "203.0.113.66";
/// One in a minute, so that a story takes no part in what is given back meanwhile.
const REFUSALS: u32 = 1;

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
