//! Which tokens are accepted: each profile with its own type and issuer, or a foreign issuer.

use countersign_client::{JwkSet, Profile, TokenType, Verifier, VerifierBuilder};
use countersign_token::issue::sign;
use countersign_token::{Algorithm, Claims};

use crate::support::{Issuer, PROJECT, Wall, claims, key, key_set, shows, stytch_issuer, verifier};

const URL: &str = "https://id.example";

fn with_keys() -> VerifierBuilder {
    Verifier::builder()
        .url(URL)
        .project_id(PROJECT)
        .keys(key_set(&["k"]))
        .clock(Wall::new())
}

fn standard_issuer() -> String {
    format!("{URL}/v1/public/{PROJECT}")
}

fn token(typ: TokenType, iss: &str) -> String {
    let claims = Claims {
        iss: iss.into(),
        ..claims()
    };
    sign(&key("k", Algorithm::EdDsa), typ, &claims).unwrap()
}

async fn codes(verifier: &Verifier) -> [&'static str; 4] {
    let mut codes = [""; 4];
    for (code, (typ, iss)) in codes.iter_mut().zip([
        (TokenType::Jwt, stytch_issuer()),
        (TokenType::AtJwt, standard_issuer()),
        (TokenType::Jwt, standard_issuer()),
        (TokenType::AtJwt, stytch_issuer()),
    ]) {
        *code = verifier
            .verify(&token(typ, &iss))
            .await
            .map_or_else(|refusal| refusal.code(), |_| "good");
    }
    codes
}

#[tokio::test]
async fn both_profiles_are_accepted_and_never_mixed() {
    let verifier = with_keys().build().unwrap();
    assert_eq!(
        codes(&verifier).await,
        ["good", "good", "wrong_issuer", "wrong_issuer"]
    );
}

#[tokio::test]
async fn a_verifier_can_be_narrowed_to_one() {
    let stytch = with_keys().profile(Profile::Stytch).build().unwrap();
    assert_eq!(
        codes(&stytch).await,
        ["good", "wrong_type", "wrong_issuer", "wrong_type"]
    );
    let standard = with_keys().profile(Profile::Standard).build().unwrap();
    assert_eq!(
        codes(&standard).await,
        ["wrong_type", "good", "wrong_type", "wrong_issuer"]
    );
}

#[tokio::test]
async fn a_foreign_issuer_is_met_to_the_letter() {
    let foreign = |issuer: &str| {
        Verifier::builder()
            .issuer(issuer)
            .audience(PROJECT)
            .keys(key_set(&["k"]))
            .clock(Wall::new())
            .build()
            .unwrap()
    };
    let verifier = foreign("https://tenant.example/");
    for (typ, iss, expected) in [
        (TokenType::Jwt, "https://tenant.example/", "good"),
        (TokenType::AtJwt, "https://tenant.example/", "good"),
        (TokenType::Jwt, "https://tenant.example", "wrong_issuer"),
    ] {
        let verdict = verifier.verify(&token(typ, iss)).await;
        assert_eq!(
            verdict.map_or_else(|refusal| refusal.code(), |_| "good"),
            expected
        );
    }
}

#[tokio::test]
async fn the_audience_is_the_project_or_what_was_set() {
    let gateway = format!("{URL}/gateway");
    let for_gateway = sign(
        &key("k", Algorithm::EdDsa),
        TokenType::Jwt,
        &Claims {
            aud: vec![gateway.clone()],
            ..claims()
        },
    )
    .unwrap();
    let project = with_keys().build().unwrap();
    assert_eq!(
        project.verify(&for_gateway).await.unwrap_err().code(),
        "wrong_audience"
    );
    let verifier = with_keys().audience(gateway).build().unwrap();
    verifier.verify(&for_gateway).await.unwrap();
}

#[tokio::test]
async fn each_profile_fetches_its_own_key_set() {
    for (profile, path) in [
        (Profile::Stytch, format!("/v1/sessions/jwks/{PROJECT}")),
        (Profile::Standard, format!("/v1/public/{PROJECT}/jwks.json")),
    ] {
        let issuer = Issuer::start(shows(&["k"])).await;
        let verifier = verifier(&issuer).profile(profile).build().unwrap();
        let iss = match profile {
            Profile::Stytch => stytch_issuer(),
            _ => format!("{}/v1/public/{PROJECT}", issuer.url),
        };
        let typ = if profile == Profile::Stytch {
            TokenType::Jwt
        } else {
            TokenType::AtJwt
        };
        verifier.verify(&token(typ, &iss)).await.unwrap();
        assert_eq!(issuer.asked()[0].path, path);
    }
}

#[test]
fn what_is_missing_or_contradictory_is_named() {
    let error = |builder: VerifierBuilder| builder.build().unwrap_err().to_string();
    for (builder, name) in [
        (Verifier::builder(), "COUNTERSIGN_PROJECT_ID"),
        (Verifier::builder().project_id(PROJECT), "COUNTERSIGN_URL"),
        (
            Verifier::builder()
                .project_id(PROJECT)
                .url(URL)
                .jwks_url("nowhere"),
            "jwks_url",
        ),
        (Verifier::builder().issuer("i"), "audience"),
        (Verifier::builder().issuer("i").audience("a"), "jwks_url"),
        (Verifier::builder().issuer("").audience("a"), "issuer"),
        (
            Verifier::builder().issuer("i").audience("a").url(URL),
            "url does not",
        ),
        (with_keys().token_types([TokenType::Jwt]), "token_types"),
        (with_keys().audience(""), "COUNTERSIGN_AUDIENCE"),
        (with_keys().max_age(std::time::Duration::MAX), "max_age"),
    ] {
        let error = error(builder);
        let name = name.split(' ').next().unwrap();
        assert!(error.starts_with(name), "{error}: expected {name}");
    }
}

#[tokio::test]
async fn keys_of_every_algorithm_that_is_issued_are_used() {
    let keys = Algorithm::ALL.map(|algorithm| key(algorithm.name(), algorithm).public_jwk());
    let verifier = with_keys().keys(JwkSet { keys: keys.into() }).build().unwrap();
    for algorithm in Algorithm::ALL {
        let token = sign(&key(algorithm.name(), algorithm), TokenType::Jwt, &claims()).unwrap();
        verifier.verify(&token).await.unwrap();
    }
}
