//! The shapes that the Stytch SDKs read: tokens, keys and key sets.

use crate::support::{NOW, claims, expected, good_token, signing_key};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_token::issue::self_signed_certificate;
use countersign_token::{
    Algorithm, JwkSet, PublicKey, StytchJwk, VerifyingKeys, test_keys, unverified, verify,
};
use serde_json::{Value, json};

fn certificate() -> Vec<u8> {
    self_signed_certificate(test_keys::RS256_PKCS8, Algorithm::Rs256, NOW).unwrap()
}

fn stytch_jwk() -> StytchJwk {
    StytchJwk::from_rsa(&signing_key(Algorithm::Rs256).public_jwk(), &certificate()).unwrap()
}

/// What `GET /v1/sessions/jwks/{project_id}` answers.
fn key_set_answer() -> Value {
    json!({
        "keys": [stytch_jwk()],
        "request_id": "request-id-test-33333333-3333-4333-8333-333333333333",
        "status_code": 200,
    })
}

#[test]
fn a_token_has_the_members_of_a_genuine_one() {
    let token = unverified::decode(&good_token(Algorithm::Rs256)).unwrap();
    assert_eq!(
        token.header,
        json!({"alg": "RS256", "kid": "jwk-test-rs256", "typ": "JWT"})
    );
    assert_eq!(
        token.claims,
        json!({
            "aud": ["project-test-11111111-1111-4111-8111-111111111111"],
            "exp": 1_800_003_600,
            "iat": 1_800_000_000,
            "iss": "stytch.com/project-test-11111111-1111-4111-8111-111111111111",
            "nbf": 1_800_000_000,
            "scope": "read:users write:*",
            "sub": "m2m-client-test-22222222-2222-4222-8222-222222222222",
        })
    );
}

#[test]
fn a_key_has_every_member_that_the_typed_sdks_need() {
    let jwk = serde_json::to_value(stytch_jwk()).unwrap();
    let names = jwk
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect::<std::collections::BTreeSet<_>>();
    assert_eq!(
        names,
        ["kty", "use", "key_ops", "alg", "kid", "x5c", "x5tS256", "n", "e"].into()
    );
    assert_eq!(jwk["kty"], "RSA");
    assert_eq!(jwk["use"], "sig");
    assert_eq!(jwk["key_ops"], json!(["verify"]));
    assert_eq!(jwk["alg"], "RS256");
    assert_eq!(jwk["e"], "AQAB");
    assert_eq!(jwk["n"].as_str().unwrap().len(), 342, "2048 bits in base64url");
}

#[test]
fn a_key_of_genuine_shape_survives_reading_and_writing() {
    let genuine_shape = json!({
        "kty": "RSA",
        "use": "sig",
        "key_ops": ["verify"],
        "alg": "RS256",
        "kid": "jwk-test-44444444-4444-4444-8444-444444444444",
        "x5c": [STANDARD.encode(certificate())],
        "x5tS256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "n": stytch_jwk().n,
        "e": "AQAB",
    });
    let read: StytchJwk = serde_json::from_value(genuine_shape.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), genuine_shape);
}

#[test]
fn the_certificate_is_der_of_this_key_and_the_thumbprint_is_of_this_certificate() {
    let jwk = stytch_jwk();
    let der = STANDARD.decode(&jwk.x5c[0]).unwrap();
    assert_eq!(der, certificate());
    assert_eq!(der[..2], [0x30, 0x82], "a SEQUENCE with a length of two bytes");
    assert_eq!(usize::from(u16::from_be_bytes([der[2], der[3]])), der.len() - 4);
    assert_eq!(
        jwk.x5t_s256,
        STANDARD.encode(digest::digest(&digest::SHA256, &der))
    );
    assert!(jwk.x5t_s256.ends_with('='));

    let PublicKey::Rsa { modulus, .. } = signing_key(Algorithm::Rs256).public_jwk().key else {
        panic!("RSA")
    };
    assert!(der.windows(modulus.len()).any(|window| window == modulus));
}

#[test]
fn our_reader_takes_the_stytch_form_too() {
    let set = JwkSet::from_json(key_set_answer().to_string().as_bytes()).unwrap();
    let keys = VerifyingKeys::from_set(&set);
    assert_eq!(
        verify(&good_token(Algorithm::Rs256), &keys, &expected(), NOW),
        Ok(claims())
    );
}

#[test]
fn there_is_no_stytch_form_of_other_keys() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        assert_eq!(
            StytchJwk::from_rsa(&signing_key(algorithm).public_jwk(), b"der"),
            None
        );
    }
}
