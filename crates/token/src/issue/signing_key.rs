//! A private key that signs tokens.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use zeroize::Zeroizing;

use super::KeyError;
use crate::header::encoded_header;
use crate::{Algorithm, MAX_KEY_ID_BYTES, PublicJwk, PublicKey, TokenType};

/// A private key as unencrypted PKCS#8 DER (RFC 5208), on its way to being sealed. Overwritten with zeros
/// when dropped.
pub struct Pkcs8(Zeroizing<Vec<u8>>);

impl Pkcs8 {
    /// The DER.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Pkcs8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pkcs8(…)")
    }
}

/// A private key that signs tokens, parsed once: parsing an RSA key costs more than signing with it.
pub struct SigningKey {
    kid: String,
    pair: Pair,
    /// The first part of every token of each type, with its dot.
    jwt_header: String,
    at_jwt_header: String,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Makes a private key, with randomness from aws-lc: RSA of 2048 bits, P-256 or Ed25519.
    ///
    /// An RSA key takes some 100 ms of processor time, and now and then a second.
    ///
    /// # Errors
    ///
    /// [`KeyError::Generation`] when the library fails, as it does without a source of randomness.
    pub fn generate(algorithm: Algorithm) -> Result<Pkcs8, KeyError> {
        generate(algorithm)
            .map(|pkcs8| Pkcs8(Zeroizing::new(pkcs8)))
            .map_err(|Unspecified| KeyError::Generation(algorithm))
    }

    /// Parses a private key.
    ///
    /// # Errors
    ///
    /// [`KeyError::KeyId`] or [`KeyError::Rejected`].
    pub fn from_pkcs8(kid: &str, algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        if kid.is_empty() || kid.len() > MAX_KEY_ID_BYTES {
            return Err(KeyError::KeyId);
        }
        let pair = match algorithm {
            Algorithm::Rs256 => RsaKeyPair::from_pkcs8(pkcs8).map(Pair::Rsa),
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Pair::P256)
            }
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Pair::Ed25519),
        };
        Ok(Self {
            kid: kid.to_owned(),
            pair: pair.map_err(|_| KeyError::Rejected(algorithm))?,
            jwt_header: encoded_header(algorithm, kid, TokenType::Jwt) + ".",
            at_jwt_header: encoded_header(algorithm, kid, TokenType::AtJwt) + ".",
        })
    }

    /// The key's id, `kid` in headers and key sets.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key's one algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::P256(_) => Algorithm::Es256,
            Pair::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// The public half, without certificate.
    #[must_use]
    pub fn public_jwk(&self) -> PublicJwk {
        PublicJwk::new(self.kid.as_str(), self.pair.public_key())
    }

    pub(super) fn encoded_header(&self, typ: TokenType) -> &str {
        match typ {
            TokenType::Jwt => &self.jwt_header,
            TokenType::AtJwt => &self.at_jwt_header,
        }
    }

    /// The length of the key's signatures, in bytes.
    pub(super) fn signature_len(&self) -> usize {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_modulus_len(),
            Pair::P256(_) | Pair::Ed25519(_) => 64,
        }
    }

    /// Signs and hands the signature to `and_then`: the three kinds live in different places.
    pub(super) fn sign(&self, message: &[u8], and_then: impl FnOnce(&[u8])) -> Result<(), Unspecified> {
        match &self.pair {
            Pair::Rsa(pair) => {
                // PKCS#1 v1.5 needs no randomness, and aws-lc takes its own for blinding.
                let mut signature = [0; MAX_RSA_SIGNATURE_BYTES];
                let signature = signature
                    .get_mut(..pair.public_modulus_len())
                    .ok_or(Unspecified)?;
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, signature)?;
                and_then(signature);
            }
            Pair::P256(pair) => and_then(pair.sign(&SystemRandom::new(), message)?.as_ref()),
            Pair::Ed25519(pair) => and_then(pair.try_sign(message)?.as_ref()),
        }
        Ok(())
    }
}

/// aws-lc takes RSA keys of up to 8192 bits.
const MAX_RSA_SIGNATURE_BYTES: usize = 1024;

impl Pair {
    fn public_key(&self) -> PublicKey {
        match self {
            Self::Rsa(pair) => PublicKey::Rsa {
                modulus: pair
                    .public_key()
                    .modulus()
                    .big_endian_without_leading_zero()
                    .to_vec(),
                exponent: pair
                    .public_key()
                    .exponent()
                    .big_endian_without_leading_zero()
                    .to_vec(),
            },
            Self::P256(pair) => {
                // SEC 1 section 2.3.3: 4, x, y.
                let point = pair.public_key().as_ref();
                PublicKey::P256 {
                    x: fixed(&point[1..33]),
                    y: fixed(&point[33..]),
                }
            }
            Self::Ed25519(pair) => PublicKey::Ed25519 {
                x: fixed(pair.public_key().as_ref()),
            },
        }
    }
}

fn fixed(bytes: &[u8]) -> [u8; 32] {
    let mut fixed = [0; 32];
    fixed.copy_from_slice(bytes);
    fixed
}

fn generate(algorithm: Algorithm) -> Result<Vec<u8>, Unspecified> {
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::Rs256 => {
            let pkcs8: Pkcs8V1Der<'_> = RsaKeyPair::generate(KeySize::Rsa2048)?.as_der()?;
            Ok(pkcs8.as_ref().to_vec())
        }
        Algorithm::Es256 => Ok(
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?
                .as_ref()
                .to_vec(),
        ),
        // Version 1, without the public half: OpenSSL 3.0 reads no other.
        Algorithm::EdDsa => Ok(Ed25519KeyPair::generate_pkcs8v1(&random)?.as_ref().to_vec()),
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_keys;

    #[test]
    fn every_generated_key_can_be_parsed_for_its_algorithm_alone() {
        for algorithm in Algorithm::ALL {
            let pkcs8 = SigningKey::generate(algorithm).unwrap();
            let key = SigningKey::from_pkcs8("jwk-test-1", algorithm, pkcs8.as_bytes()).unwrap();
            assert_eq!((key.kid(), key.algorithm()), ("jwk-test-1", algorithm));
            for other in Algorithm::ALL.into_iter().filter(|&other| other != algorithm) {
                let error = SigningKey::from_pkcs8("jwk-test-1", other, pkcs8.as_bytes()).unwrap_err();
                assert_eq!(error, KeyError::Rejected(other), "{algorithm} as {other}");
            }
        }
    }

    #[test]
    fn generated_keys_differ_and_rsa_has_2048_bits() {
        let moduli = [(), ()].map(|()| {
            let pkcs8 = SigningKey::generate(Algorithm::Rs256).unwrap();
            let key = SigningKey::from_pkcs8("k", Algorithm::Rs256, pkcs8.as_bytes()).unwrap();
            match key.public_jwk().key {
                PublicKey::Rsa { modulus, exponent } => {
                    assert_eq!(exponent, [1, 0, 1]);
                    modulus
                }
                other => panic!("{other:?}"),
            }
        });
        assert_ne!(moduli[0], moduli[1]);
        assert!(
            moduli
                .iter()
                .all(|modulus| modulus.len() == 256 && modulus[0] >= 0x80)
        );
    }

    #[test]
    fn the_public_half_survives_json() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::from_pkcs8("k", algorithm, test_keys::pkcs8(algorithm)).unwrap();
            let jwk = key.public_jwk();
            let json = serde_json::to_string(&jwk).unwrap();
            assert_eq!(serde_json::from_str::<PublicJwk>(&json).unwrap(), jwk);
            assert_eq!(jwk.algorithm(), algorithm);
        }
    }

    #[test]
    fn broken_keys_and_ids_are_refused() {
        for algorithm in Algorithm::ALL {
            let whole = test_keys::pkcs8(algorithm);
            for broken in [&[][..], &whole[1..], &whole[..whole.len() - 1]] {
                let error = SigningKey::from_pkcs8("k", algorithm, broken).unwrap_err();
                assert_eq!(error, KeyError::Rejected(algorithm), "{} bytes", broken.len());
            }
            for kid in ["", &"k".repeat(MAX_KEY_ID_BYTES + 1)] {
                assert_eq!(
                    SigningKey::from_pkcs8(kid, algorithm, whole).unwrap_err(),
                    KeyError::KeyId
                );
            }
        }
    }

    #[test]
    fn nothing_of_a_key_is_printed() {
        let key = SigningKey::from_pkcs8("jwk-test-1", Algorithm::EdDsa, test_keys::EDDSA_PKCS8).unwrap();
        assert_eq!(
            format!("{key:?}"),
            r#"SigningKey { kid: "jwk-test-1", algorithm: EdDsa, .. }"#
        );
        assert_eq!(
            format!("{:?}", SigningKey::generate(Algorithm::EdDsa).unwrap()),
            "Pkcs8(…)"
        );
    }

    #[test]
    fn a_key_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<SigningKey>();
        shared::<crate::VerifyingKeys>();
    }
}
