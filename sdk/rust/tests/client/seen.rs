//! A token seen before is judged again, except for its signature.

use std::time::Duration;

use countersign_client::{Refusal, Verifier};
use countersign_token::Claims;

use crate::support::{NOW, PROJECT, Wall, claims, key_set, stytch_issuer, token};

fn verifier(wall: &Wall) -> Verifier {
    builder(wall).build().unwrap()
}

fn builder(wall: &Wall) -> countersign_client::VerifierBuilder {
    Verifier::builder()
        .issuer(stytch_issuer())
        .audience(PROJECT)
        .keys(key_set(&["k"]))
        .clock(wall.clone())
}

async fn code(verifier: &Verifier, token: &str) -> &'static str {
    verifier
        .verify(token)
        .await
        .map_or_else(|refusal| refusal.code(), |_| "good")
}

#[tokio::test]
async fn it_lives_no_longer_than_it_says() {
    let wall = Wall::new();
    let (verifier, token) = (verifier(&wall), token("k", &claims()));
    assert_eq!(code(&verifier, &token).await, "good");
    wall.set(NOW + 3599);
    assert_eq!(code(&verifier, &token).await, "good");
    wall.set(NOW + 3600);
    assert_eq!(code(&verifier, &token).await, "expired");
    assert_eq!(code(&verifier, &token).await, "expired");
}

#[tokio::test]
async fn a_clock_that_goes_back_makes_it_too_early() {
    let wall = Wall::new();
    let (verifier, token) = (verifier(&wall), token("k", &claims()));
    assert_eq!(code(&verifier, &token).await, "good");
    wall.set(NOW - 1);
    assert_eq!(code(&verifier, &token).await, "not_yet_valid");
    wall.set(NOW);
    assert_eq!(code(&verifier, &token).await, "good");
}

#[tokio::test]
async fn tolerance_and_age_hold_for_it_too() {
    let wall = Wall::new();
    let verifier = builder(&wall)
        .clock_tolerance(Duration::from_secs(10))
        .max_age(Duration::from_secs(100))
        .build()
        .unwrap();
    let token = token("k", &claims());
    for (at, expected) in [
        (NOW, "good"),
        (NOW - 10, "good"),
        (NOW - 11, "not_yet_valid"),
        (NOW + 110, "good"),
        (NOW + 111, "too_old"),
    ] {
        wall.set(at);
        assert_eq!(code(&verifier, &token).await, expected, "{}", at - NOW);
    }
}

#[tokio::test]
async fn it_is_the_same_identity_and_not_a_second_one() {
    let (verifier, token) = (verifier(&Wall::new()), token("k", &claims()));
    let (first, second) = (
        verifier.verify(&token).await.unwrap(),
        verifier.verify(&token).await.unwrap(),
    );
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    assert_eq!(first.client_id(), crate::support::CLIENT);

    let forgetful = builder(&Wall::new()).seen_tokens_bytes(0).build().unwrap();
    let (first, second) = (
        forgetful.verify(&token).await.unwrap(),
        forgetful.verify(&token).await.unwrap(),
    );
    assert!(!std::sync::Arc::ptr_eq(&first, &second));
}

#[tokio::test]
async fn other_claims_under_its_signature_are_not_it() {
    let verifier = verifier(&Wall::new());
    let good = token("k", &claims());
    verifier.verify(&good).await.unwrap();
    let more = token(
        "k",
        &Claims {
            scope: "write:* admin".into(),
            ..claims()
        },
    );
    let (signed, _) = more.rsplit_once('.').unwrap();
    let (_, signature) = good.rsplit_once('.').unwrap();
    let verdict = verifier.verify(&format!("{signed}.{signature}")).await;
    assert_eq!(
        verdict.unwrap_err(),
        Refusal::Token(countersign_token::Refusal::BadSignature)
    );
}
