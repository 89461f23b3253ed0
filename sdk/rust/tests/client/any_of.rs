//! Several issuers at once.

use countersign_client::{Refusal, TokenType, Verifier};
use countersign_token::Claims;
use serde_json::json;

use crate::support::{Issuer, NOW, PROJECT, Say, Wall, claims, shows, token, verifier};

const HYDRA: &str = "https://hydra.example/";

fn hydra(issuer: &Issuer) -> Verifier {
    Verifier::builder()
        .issuer(HYDRA)
        .token_types([TokenType::Jwt])
        .jwks_url(&issuer.url)
        .audience(PROJECT)
        .scope_claim("scp")
        .clock(Wall::new())
        .build()
        .unwrap()
}

fn of_hydra() -> Claims {
    let mut claims = Claims {
        iss: HYDRA.into(),
        ..claims()
    };
    claims.extra.insert("scp".into(), json!(["read:books"]));
    claims
}

async fn code(verifier: &Verifier, token: &str) -> &'static str {
    verifier
        .verify(token)
        .await
        .map_or_else(|refusal: Refusal| refusal.code(), |_| "good")
}

#[tokio::test]
async fn what_any_accepts_is_accepted_by_its_own_rules() {
    let (here, there) = (
        Issuer::start(shows(&["h"])).await,
        Issuer::start(shows(&["t"])).await,
    );
    let both = Verifier::any_of([verifier(&here).build().unwrap(), hydra(&there)]);
    for _ in 0..2 {
        let own = both.verify(&token("h", &claims())).await.unwrap();
        assert!(own.has_scope("read:users"));
        let foreign = both.verify(&token("t", &of_hydra())).await.unwrap();
        assert_eq!(foreign.scopes().collect::<Vec<_>>(), ["read:books"]);
        assert!(!foreign.has_scope("read:users"));
    }
    assert_eq!(
        (here.times(), there.times()),
        (1, 1),
        "nobody is asked for another's keys"
    );
    // The key of the one does not do for the issuer of the other.
    assert_eq!(code(&both, &token("t", &claims())).await, "unknown_key");
    assert_eq!(code(&both, &token("h", &of_hydra())).await, "unknown_key");
    let neither = Claims {
        iss: "i".into(),
        ..claims()
    };
    assert_eq!(code(&both, &token("h", &neither)).await, "wrong_issuer");
    let expired = Claims {
        exp: NOW,
        ..of_hydra()
    };
    assert_eq!(code(&both, &token("t", &expired)).await, "expired");
    assert_eq!(code(&both, "garbage").await, "malformed");
}

#[tokio::test]
async fn an_issuer_that_is_away_stops_only_its_own_tokens() {
    let away = Issuer::start(Say::Status(500, &[], String::new())).await;
    let there = Issuer::start(shows(&["t"])).await;
    let both = Verifier::any_of([verifier(&away).build().unwrap(), hydra(&there)]);
    assert_eq!(code(&both, &token("t", &of_hydra())).await, "good");
    assert_eq!(code(&both, &token("h", &claims())).await, "keys_unavailable");
}

#[tokio::test]
async fn any_of_none_accepts_nothing() {
    assert_eq!(
        code(&Verifier::any_of([]), &token("h", &claims())).await,
        "wrong_issuer"
    );
}
