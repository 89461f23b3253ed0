//! A public key and its JSON form.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::{Algorithm, base64url};

/// A public signing key as a JWK (RFC 7517): `kty` `RSA` or `EC` with `P-256` (RFC 7518 section 6), or `OKP`
/// with `Ed25519` (RFC 8037 section 2).
///
/// Written with `kid`, `use: "sig"` and `alg`. Read, `use` and `alg` may be absent, but not say something
/// else, and `key_ops` must then hold `verify`; members we do not know are passed over (RFC 7517 section 4).
/// A key without `kid` is an error: tokens name their key and we try no other.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct PublicJwk {
    /// The key's id, unique in its set.
    pub kid: String,
    /// The key itself.
    pub key: PublicKey,
    /// The certificate chain, each DER in base64 with padding (RFC 7517 section 4.7). Passed on, never
    /// believed.
    pub x5c: Option<Vec<String>>,
    /// SHA-256 of the first certificate's DER in base64url (RFC 7517 section 4.9). Passed on, never believed.
    pub x5t_s256: Option<String>,
}

/// The numbers of a public key, big-endian.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PublicKey {
    /// An RSA key.
    Rsa {
        /// `n`, without leading zeros.
        modulus: Vec<u8>,
        /// `e`, without leading zeros.
        exponent: Vec<u8>,
    },
    /// A point on P-256.
    P256 {
        /// The first coordinate.
        x: [u8; 32],
        /// The second coordinate.
        y: [u8; 32],
    },
    /// An Ed25519 key, encoded by RFC 8032.
    Ed25519 {
        /// The encoded point.
        x: [u8; 32],
    },
}

impl PublicKey {
    /// The one algorithm that this kind of key serves here.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256 { .. } => Algorithm::Es256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
        }
    }
}

impl PublicJwk {
    /// A key without certificate.
    #[must_use]
    pub fn new(kid: impl Into<String>, key: PublicKey) -> Self {
        Self {
            kid: kid.into(),
            key,
            x5c: None,
            x5t_s256: None,
        }
    }

    /// The algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The same key with its certificate, given as DER, in `x5c` and `x5t#S256`.
    #[must_use]
    pub fn with_certificate(self, certificate_der: &[u8]) -> Self {
        let thumbprint = digest::digest(&digest::SHA256, certificate_der);
        Self {
            x5c: Some(vec![STANDARD.encode(certificate_der)]),
            x5t_s256: Some(base64url::encode(thumbprint.as_ref())),
            ..self
        }
    }
}

/// The members of a JWK as they stand in JSON.
#[derive(Serialize, Deserialize)]
struct Wire {
    kty: String,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    kid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5c: Option<Vec<String>>,
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    x5t_s256: Option<String>,
}

impl From<PublicJwk> for Wire {
    fn from(jwk: PublicJwk) -> Self {
        let (kty, crv) = match jwk.key {
            PublicKey::Rsa { .. } => ("RSA", None),
            PublicKey::P256 { .. } => ("EC", Some("P-256")),
            PublicKey::Ed25519 { .. } => ("OKP", Some("Ed25519")),
        };
        let mut wire = Wire {
            kty: kty.to_owned(),
            usage: Some("sig".to_owned()),
            key_ops: None,
            alg: Some(jwk.algorithm().name().to_owned()),
            kid: jwk.kid,
            crv: crv.map(str::to_owned),
            x: None,
            y: None,
            n: None,
            e: None,
            x5c: jwk.x5c,
            x5t_s256: jwk.x5t_s256,
        };
        match jwk.key {
            PublicKey::Rsa { modulus, exponent } => {
                wire.n = Some(base64url::encode(&modulus));
                wire.e = Some(base64url::encode(&exponent));
            }
            PublicKey::P256 { x, y } => {
                wire.x = Some(base64url::encode(&x));
                wire.y = Some(base64url::encode(&y));
            }
            PublicKey::Ed25519 { x } => wire.x = Some(base64url::encode(&x)),
        }
        wire
    }
}

/// Why a JWK is none of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
enum NotOurs {
    #[error("not a kind of key that signs tokens here")]
    Kind,
    #[error("a key for another use or algorithm")]
    Use,
    #[error("{0:?} is absent or not base64url of the right length")]
    Member(&'static str),
}

impl TryFrom<Wire> for PublicJwk {
    type Error = NotOurs;

    fn try_from(wire: Wire) -> Result<Self, NotOurs> {
        let key = match (wire.kty.as_str(), wire.crv.as_deref()) {
            ("RSA", _) => PublicKey::Rsa {
                modulus: number("n", wire.n)?,
                exponent: number("e", wire.e)?,
            },
            ("EC", Some("P-256")) => PublicKey::P256 {
                x: coordinate("x", wire.x)?,
                y: coordinate("y", wire.y)?,
            },
            ("OKP", Some("Ed25519")) => PublicKey::Ed25519 {
                x: coordinate("x", wire.x)?,
            },
            _ => return Err(NotOurs::Kind),
        };
        let signs = wire.usage.is_none_or(|usage| usage == "sig");
        let verifies = wire
            .key_ops
            .is_none_or(|operations| operations.iter().any(|op| op == "verify"));
        let ours = wire
            .alg
            .is_none_or(|alg| Algorithm::from_jose_name(&alg) == Some(key.algorithm()));
        if !(signs && verifies && ours) {
            return Err(NotOurs::Use);
        }
        Ok(PublicJwk {
            kid: wire.kid,
            key,
            x5c: wire.x5c,
            x5t_s256: wire.x5t_s256,
        })
    }
}

fn member(name: &'static str, text: Option<String>) -> Result<Vec<u8>, NotOurs> {
    text.and_then(|text| base64url::decode(&text).ok())
        .ok_or(NotOurs::Member(name))
}

/// A whole number. RFC 7518 section 2 wants no leading zero octets; some write one and we drop it (see the
/// note in section 6.3.1.1).
fn number(name: &'static str, text: Option<String>) -> Result<Vec<u8>, NotOurs> {
    let bytes = member(name, text)?;
    let start = bytes
        .iter()
        .position(|&byte| byte != 0)
        .ok_or(NotOurs::Member(name))?;
    Ok(bytes[start..].to_vec())
}

/// A coordinate: always the full length, leading zeros included (RFC 7518 section 6.2.1.2).
fn coordinate(name: &'static str, text: Option<String>) -> Result<[u8; 32], NotOurs> {
    member(name, text)?.try_into().map_err(|_| NotOurs::Member(name))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    // RFC 8037 appendix A.2 with a kid.
    fn okp() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    fn read(jwk: Value) -> Result<PublicJwk, String> {
        serde_json::from_value(jwk).map_err(|error| error.to_string())
    }

    #[test]
    fn each_kind_is_written_with_its_members_and_reads_back() {
        let kinds = [
            (
                PublicKey::Rsa {
                    modulus: vec![0xc1; 256],
                    exponent: vec![1, 0, 1],
                },
                "RSA",
                "RS256",
            ),
            (
                PublicKey::P256 {
                    x: [0; 32],
                    y: [9; 32],
                },
                "EC",
                "ES256",
            ),
            (PublicKey::Ed25519 { x: [7; 32] }, "OKP", "EdDSA"),
        ];
        for (key, kty, alg) in kinds {
            let jwk = PublicJwk::new("jwk-test-1", key).with_certificate(b"der");
            let value = serde_json::to_value(&jwk).unwrap();
            assert_eq!(value["kty"], kty);
            assert_eq!(value["alg"], alg);
            assert_eq!(value["use"], "sig");
            assert_eq!(value["x5c"], json!(["ZGVy"]));
            assert_eq!(read(value).unwrap(), jwk);
        }
        let rsa = PublicJwk::new(
            "k",
            PublicKey::Rsa {
                modulus: vec![3],
                exponent: vec![1, 0, 1],
            },
        );
        assert_eq!(
            serde_json::to_value(rsa).unwrap(),
            json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k", "n": "Aw", "e": "AQAB"})
        );
    }

    #[test]
    fn alg_and_use_may_be_absent_but_not_differ() {
        assert!(read(okp()).is_ok());
        for (name, value) in [
            ("alg", json!("Ed25519")),
            ("key_ops", json!(["verify"])),
            ("future", json!({})),
        ] {
            let mut jwk = okp();
            jwk[name] = value;
            assert!(read(jwk).is_ok(), "{name}");
        }
        for (name, value) in [
            ("alg", json!("RS256")),
            ("use", json!("enc")),
            ("key_ops", json!(["sign"])),
        ] {
            let mut jwk = okp();
            jwk[name] = value;
            assert!(read(jwk).is_err(), "{name}");
        }
    }

    #[test]
    fn numbers_lose_leading_zeros_and_coordinates_keep_their_length() {
        let rsa = read(json!({"kty": "RSA", "kid": "k", "n": "AAM", "e": "AQAB"})).unwrap();
        assert_eq!(
            rsa.key,
            PublicKey::Rsa {
                modulus: vec![3],
                exponent: vec![1, 0, 1]
            }
        );
        for n in [json!("AA"), json!(""), json!("Aw=="), json!(3), Value::Null] {
            assert!(
                read(json!({"kty": "RSA", "kid": "k", "n": n, "e": "AQAB"})).is_err(),
                "{n}"
            );
        }
        let mut short = okp();
        short["x"] = base64url::encode(&[7; 31]).into();
        assert!(read(short).is_err());
    }
}
