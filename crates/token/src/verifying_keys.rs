//! Public keys, parsed once and ready to check signatures.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};

use crate::header::{Header, encoded_header};
use crate::{Algorithm, JwkSet, PublicKey, Refusal, TokenType};

/// The fewest bits of an RSA modulus that we believe (RFC 7518 section 3.3).
pub const MIN_RSA_BITS: usize = 2048;

/// The keys of a [`JwkSet`], parsed once. Each checks signatures of its own algorithm and of no other.
///
/// Keys share an id only when their algorithms differ (RFC 7517 section 4.5); of two with both the same, the
/// first counts.
#[derive(Default)]
pub struct VerifyingKeys {
    by_kid: BTreeMap<String, Vec<VerifyingKey>>,
    /// The headers of our own tokens, by their encoded text. All tokens of a key have the same one or two, which
    /// need not be decoded and read for each of them.
    our_headers: BTreeMap<String, Header<'static>>,
}

struct VerifyingKey {
    algorithm: Algorithm,
    /// `None` when no signature may be checked with the key. It stays in the set, so that the refusal can say
    /// so and nobody fetches the set again in vain.
    parsed: Option<ParsedPublicKey>,
}

impl VerifyingKeys {
    /// Parses every key of the set. A key that cannot be used is kept as such; see [`Refusal::UnusableKey`].
    #[must_use]
    pub fn from_set(set: &JwkSet) -> Self {
        let mut by_kid = BTreeMap::<String, Vec<VerifyingKey>>::new();
        let mut our_headers = BTreeMap::new();
        for jwk in &set.keys {
            for typ in TokenType::ALL {
                let encoded = encoded_header(jwk.algorithm(), &jwk.kid, typ);
                our_headers.insert(encoded, Header::of(jwk.algorithm(), &jwk.kid, typ));
            }
            let same_id = by_kid.entry(jwk.kid.clone()).or_default();
            same_id.push(VerifyingKey {
                algorithm: jwk.algorithm(),
                parsed: parse(&jwk.key),
            });
        }
        Self { by_kid, our_headers }
    }

    /// Whether the set has a key of this id. When not, the set may be old.
    #[must_use]
    pub fn contains(&self, kid: &str) -> bool {
        self.by_kid.contains_key(kid)
    }

    /// What an encoded header says, when it is one that our own tokens have.
    pub(crate) fn our_header(&self, encoded: &str) -> Option<&Header<'static>> {
        self.our_headers.get(encoded)
    }

    /// Whether `signature` is the key's over `signing_input`. The key decides the algorithm; `algorithm`,
    /// which the token says, must agree (RFC 8725 section 3.1).
    pub(crate) fn check(
        &self,
        kid: &str,
        algorithm: Algorithm,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), Refusal> {
        let same_id = self
            .by_kid
            .get(kid)
            .ok_or_else(|| Refusal::UnknownKey { kid: kid.to_owned() })?;
        let key = same_id
            .iter()
            .find(|key| key.algorithm == algorithm)
            .ok_or_else(|| Refusal::AlgorithmMismatch { kid: kid.to_owned() })?;
        let parsed = key
            .parsed
            .as_ref()
            .ok_or_else(|| Refusal::UnusableKey { kid: kid.to_owned() })?;
        parsed
            .verify_sig(signing_input, signature)
            .map_err(|_| Refusal::BadSignature)
    }
}

impl fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_kid.keys()).finish()
    }
}

fn parse(key: &PublicKey) -> Option<ParsedPublicKey> {
    match key {
        PublicKey::Rsa { modulus, exponent } => {
            if bits(modulus) < MIN_RSA_BITS {
                return None;
            }
            RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .ok()
        }
        PublicKey::P256 { x, y } => {
            // SEC 1 section 2.3.3: an uncompressed point. aws-lc refuses one off the curve.
            let mut point = [4; 65];
            point[1..33].copy_from_slice(x);
            point[33..].copy_from_slice(y);
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()
        }
        PublicKey::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x).ok(),
    }
}

fn bits(number: &[u8]) -> usize {
    let start = number.iter().position(|&byte| byte != 0).unwrap_or(number.len());
    let Some(first) = number.get(start) else { return 0 };
    (number.len() - start) * 8 - first.leading_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compact::Compact;

    /// The examples of the RFCs: a key and a token whose signature it made. Their keys have no `kid`.
    const VECTORS: [(&str, Algorithm, &str, &str); 3] = [
        (
            "RFC 7515 A.2",
            Algorithm::Rs256,
            include_str!("../tests/vectors/rfc7515-a2.jwk.json"),
            include_str!("../tests/vectors/rfc7515-a2.jws"),
        ),
        (
            "RFC 7515 A.3",
            Algorithm::Es256,
            include_str!("../tests/vectors/rfc7515-a3.jwk.json"),
            include_str!("../tests/vectors/rfc7515-a3.jws"),
        ),
        (
            "RFC 8037 A.4",
            Algorithm::EdDsa,
            include_str!("../tests/vectors/rfc8037-a4.jwk.json"),
            include_str!("../tests/vectors/rfc8037-a4.jws"),
        ),
    ];

    fn keys(jwks: &[&str]) -> VerifyingKeys {
        let set = JwkSet {
            keys: jwks
                .iter()
                .map(|jwk| serde_json::from_str(jwk).unwrap())
                .collect(),
        };
        VerifyingKeys::from_set(&set)
    }

    #[test]
    fn the_signatures_of_the_rfcs_are_right_under_their_key_and_algorithm_alone() {
        for (name, algorithm, jwk, jws) in VECTORS {
            let keys = keys(&[jwk]);
            let compact = Compact::split(jws.trim_end()).unwrap();
            let (input, signature) = (compact.signing_input, compact.signature().unwrap());
            assert_eq!(
                keys.check("example", algorithm, input, &signature),
                Ok(()),
                "{name}"
            );

            for other in Algorithm::ALL.into_iter().filter(|&other| other != algorithm) {
                let refusal = keys.check("example", other, input, &signature).unwrap_err();
                assert_eq!(refusal.code(), "algorithm_mismatch", "{name} as {other}");
            }
            let longer = [input, b"."].concat();
            assert_eq!(
                keys.check("example", algorithm, &longer, &signature),
                Err(Refusal::BadSignature),
                "{name}"
            );
        }
    }

    #[test]
    fn every_bit_of_a_signature_counts() {
        for (name, algorithm, jwk, jws) in VECTORS {
            let keys = keys(&[jwk]);
            let compact = Compact::split(jws.trim_end()).unwrap();
            let right = compact.signature().unwrap();
            for position in 0..right.len() {
                let mut wrong = right.clone();
                wrong[position] ^= 1;
                let refusal = keys.check("example", algorithm, compact.signing_input, &wrong);
                assert_eq!(refusal, Err(Refusal::BadSignature), "{name}, byte {position}");
            }
            for wrong in [
                &right[..0],
                &right[1..],
                &right[..right.len() - 1],
                &[&right[..], &[0]].concat(),
            ] {
                let refusal = keys.check("example", algorithm, compact.signing_input, wrong);
                assert_eq!(
                    refusal,
                    Err(Refusal::BadSignature),
                    "{name}, {} bytes",
                    wrong.len()
                );
            }
        }
    }

    #[test]
    fn keys_of_one_id_are_told_apart_by_algorithm() {
        let keys = keys(&VECTORS.map(|(_, _, jwk, _)| jwk));
        for (name, algorithm, _, jws) in VECTORS {
            let compact = Compact::split(jws.trim_end()).unwrap();
            let verdict = keys.check(
                "example",
                algorithm,
                compact.signing_input,
                &compact.signature().unwrap(),
            );
            assert_eq!(verdict, Ok(()), "{name}");
        }
        assert!(keys.contains("example"));
        assert!(!keys.contains("other"));
    }

    #[test]
    fn weak_and_broken_keys_are_known_but_unusable() {
        let mut modulus = vec![0xff; 256];
        modulus[0] = 0x7f; // 2047 bits
        let unusable = [
            PublicKey::Rsa {
                modulus,
                exponent: vec![1, 0, 1],
            },
            PublicKey::P256 {
                x: [1; 32],
                y: [1; 32],
            },
        ];
        for key in unusable {
            let algorithm = key.algorithm();
            let set = JwkSet {
                keys: vec![crate::PublicJwk::new("weak", key)],
            };
            let keys = VerifyingKeys::from_set(&set);
            assert!(keys.contains("weak"));
            assert_eq!(
                keys.check("weak", algorithm, b"", b"").unwrap_err().code(),
                "unusable_key"
            );
        }
    }

    #[test]
    fn bits_are_counted_from_the_first_one() {
        assert_eq!(bits(&[]), 0);
        assert_eq!(bits(&[0, 0]), 0);
        assert_eq!(bits(&[0, 1]), 1);
        assert_eq!(bits(&[0x80; 256]), 2048);
    }
}
