//! A public key in the form of Stytch's key sets.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::{PublicJwk, PublicKey, base64url};

/// An RSA key as `GET /v1/sessions/jwks/{project_id}` shows it. Python's and Rust's SDKs need every one of
/// these members.
///
/// It differs from RFC 7517 in one name: the thumbprint is `x5tS256`, not `x5t#S256`, and in base64 with
/// padding. There is no such form for other kinds of keys: one key without `n` and `e` makes the Rust SDK
/// refuse the whole set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StytchJwk {
    /// `RSA`.
    pub kty: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// `verify`, alone.
    pub key_ops: Vec<String>,
    /// `RS256`.
    pub alg: String,
    /// The key's id.
    pub kid: String,
    /// The DER of one self-signed certificate, in base64 with padding.
    pub x5c: Vec<String>,
    /// SHA-256 of that DER, in base64 with padding.
    #[serde(rename = "x5tS256")]
    pub x5t_s256: String,
    /// The modulus, big-endian, in base64url.
    pub n: String,
    /// The exponent, big-endian, in base64url; `AQAB` for all keys we make.
    pub e: String,
}

impl StytchJwk {
    /// The Stytch form of an RSA key with its certificate, given as DER. `None` for other kinds of keys.
    #[must_use]
    pub fn from_rsa(jwk: &PublicJwk, certificate_der: &[u8]) -> Option<Self> {
        let PublicKey::Rsa { modulus, exponent } = &jwk.key else {
            return None;
        };
        Some(Self {
            kty: "RSA".to_owned(),
            usage: "sig".to_owned(),
            key_ops: vec!["verify".to_owned()],
            alg: jwk.algorithm().name().to_owned(),
            kid: jwk.kid.clone(),
            x5c: vec![STANDARD.encode(certificate_der)],
            x5t_s256: STANDARD.encode(digest::digest(&digest::SHA256, certificate_der)),
            n: base64url::encode(modulus),
            e: base64url::encode(exponent),
        })
    }
}
