//! One issuer with a key of each algorithm, and tokens of any shape signed by it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_token::issue::{SigningKey, sign};
use countersign_token::{
    Algorithm, Claims, Expected, JwkSet, Refusal, TokenType, VerifyingKeys, test_keys, verify,
};

/// 2027-01-15T08:00:00Z, when all tests take place.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "stytch.com/project-test-11111111-1111-4111-8111-111111111111";
pub(crate) const AUDIENCE: &str = "project-test-11111111-1111-4111-8111-111111111111";

pub(crate) fn expected() -> Expected<'static> {
    Expected {
        issuers: &[ISSUER],
        audience: AUDIENCE,
        types: &[TokenType::Jwt],
        leeway_seconds: 0,
        max_age_seconds: None,
    }
}

pub(crate) fn claims() -> Claims {
    Claims {
        iss: ISSUER.into(),
        sub: "m2m-client-test-22222222-2222-4222-8222-222222222222".into(),
        aud: vec![AUDIENCE.into()],
        scope: "read:users write:*".into(),
        iat: NOW,
        nbf: NOW,
        exp: NOW + 3600,
        ..Claims::default()
    }
}

/// The key id of the issuer's key for an algorithm.
pub(crate) fn kid(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Rs256 => "jwk-test-rs256",
        Algorithm::Es256 => "jwk-test-es256",
        Algorithm::EdDsa => "jwk-test-eddsa",
    }
}

pub(crate) fn signing_key(algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pkcs8(kid(algorithm), algorithm, test_keys::pkcs8(algorithm)).unwrap()
}

/// The issuer's key set, as others would fetch it.
pub(crate) fn key_set() -> JwkSet {
    let set = JwkSet {
        keys: Algorithm::ALL
            .map(|algorithm| signing_key(algorithm).public_jwk())
            .into(),
    };
    JwkSet::from_json(&serde_json::to_vec(&set).unwrap()).unwrap()
}

pub(crate) fn keys() -> VerifyingKeys {
    VerifyingKeys::from_set(&key_set())
}

pub(crate) fn judge(token: &str) -> Result<Claims, Refusal> {
    verify(token, &keys(), &expected(), NOW)
}

pub(crate) fn good_token(algorithm: Algorithm) -> String {
    sign(&signing_key(algorithm), TokenType::Jwt, &claims()).unwrap()
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of this header and these claims, whatever they are, with a right signature of the issuer's Ed25519
/// key.
pub(crate) fn signed(header: &str, claims: impl AsRef<[u8]>) -> String {
    signed_text(&format!("{}.{}", encode(header), encode(claims)))
}

/// The text and, after a dot, a right signature of the issuer's Ed25519 key over it.
pub(crate) fn signed_text(signing_input: &str) -> String {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_pkcs8(test_keys::EDDSA_PKCS8).unwrap();
    format!("{signing_input}.{}", encode(pair.sign(signing_input.as_bytes())))
}
