//! Whatever is done to a good token, it is refused with a code, also right after the good one was seen.

use std::sync::LazyLock;

use countersign_client::{ClockFn, Refusal, Verifier};
use countersign_client::{JwkSet, TokenType};
use countersign_token::Algorithm;
use countersign_token::issue::sign;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::support::{NOW, PROJECT, claims, key, stytch_issuer};

/// Bounded, so that it is part of every test run.
const CASES: u32 = 3_000;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().unwrap());

static GOOD: LazyLock<Vec<String>> = LazyLock::new(|| {
    Algorithm::ALL
        .into_iter()
        .map(|algorithm| sign(&key(algorithm.name(), algorithm), TokenType::Jwt, &claims()).unwrap())
        .collect()
});

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let keys = Algorithm::ALL.map(|algorithm| key(algorithm.name(), algorithm).public_jwk());
    Verifier::builder()
        .issuer(stytch_issuer())
        .audience(PROJECT)
        .keys(JwkSet { keys: keys.into() })
        .clock(ClockFn(|| NOW))
        .build()
        .unwrap()
});

/// One change of a token's text.
#[derive(Clone, Debug)]
enum Change {
    Replace(prop::sample::Index, char),
    Insert(prop::sample::Index, String),
    Remove(prop::sample::Index, usize),
    Swap(prop::sample::Index, prop::sample::Index),
    /// The parts of one token with the last part of another.
    Graft(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    let text = "[A-Za-z0-9_.=+/ -]";
    prop_oneof![
        (place(), proptest::char::any()).prop_map(|(at, with)| Change::Replace(at, with)),
        (place(), proptest::string::string_regex(text).unwrap())
            .prop_map(|(at, with)| Change::Replace(at, with.chars().next().unwrap_or('A'))),
        (place(), "[A-Za-z0-9_.=-]{1,40}").prop_map(|(at, text)| Change::Insert(at, text)),
        (place(), 1_usize..60).prop_map(|(at, many)| Change::Remove(at, many)),
        (place(), place()).prop_map(|(one, other)| Change::Swap(one, other)),
        (0_usize..3).prop_map(Change::Graft),
    ]
}

fn changed(token: &str, change: &Change) -> String {
    let mut characters: Vec<char> = token.chars().collect();
    match change {
        Change::Replace(at, with) => {
            let at = at.index(characters.len());
            characters[at] = *with;
        }
        Change::Insert(at, text) => {
            let at = at.index(characters.len());
            characters.splice(at..at, text.chars());
        }
        Change::Remove(at, many) => {
            let at = at.index(characters.len());
            characters.drain(at..(at + many).min(characters.len()));
        }
        Change::Swap(one, other) => {
            let length = characters.len();
            characters.swap(one.index(length), other.index(length));
        }
        Change::Graft(other) => {
            let (signed, _) = token.rsplit_once('.').unwrap_or((token, ""));
            let (_, signature) = GOOD[*other].rsplit_once('.').unwrap();
            return format!("{signed}.{signature}");
        }
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_token_is_refused(which in 0_usize..3, changes in prop::collection::vec(change(), 1..4)) {
        let good = &GOOD[which];
        RUNTIME.block_on(VERIFIER.verify(good)).unwrap();
        let token = changes.iter().fold(good.clone(), |token, change| {
            if token.is_empty() { token } else { changed(&token, change) }
        });
        prop_assume!(!GOOD.contains(&token));
        let verdict = RUNTIME.block_on(VERIFIER.verify(&token));
        prop_assert!(matches!(verdict, Err(Refusal::Token(_))), "{verdict:?}: {token}");
    }

    #[test]
    fn any_text_is_refused(token in "\\PC{0,200}") {
        let verdict = RUNTIME.block_on(VERIFIER.verify(&token));
        prop_assert!(matches!(verdict, Err(Refusal::Token(_))), "{verdict:?}");
    }
}
