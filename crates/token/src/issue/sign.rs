//! Signing a token.

use aws_lc_rs::error::Unspecified;

use super::SigningKey;
use crate::{Claims, MAX_TOKEN_BYTES, TokenType, base64url};

/// Room for the claims of a usual token, so that writing them allocates once.
const USUAL_CLAIMS_BYTES: usize = 512;

/// Why no token was made. No text holds a claim's value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// [`Claims::extra`] repeats the name of a field; the token would say two things.
    #[error("the claim {name:?} is not an extra one")]
    RegisteredClaim {
        /// The name, of those that are fields.
        name: &'static str,
    },
    /// The claims cannot be written as JSON.
    #[error("the claims cannot be written")]
    Claims(#[source] serde_json::Error),
    /// The token would be longer than [`MAX_TOKEN_BYTES`], and everyone would refuse it.
    #[error("the token would be too long")]
    Oversize,
    /// The cryptographic library failed.
    #[error("the token could not be signed")]
    Signature,
}

/// Signs the claims with the key as a compact JWS (RFC 7515 section 7.1). The header is `{"alg", "kid",
/// "typ"}`.
///
/// # Errors
///
/// A [`SignError`]; with claims of our own making and of usual size, none.
pub fn sign(key: &SigningKey, typ: TokenType, claims: &Claims) -> Result<String, SignError> {
    if let Some(name) = Claims::NAMES
        .into_iter()
        .find(|&name| claims.extra.contains_key(name))
    {
        return Err(SignError::RegisteredClaim { name });
    }
    let mut json = Vec::with_capacity(USUAL_CLAIMS_BYTES);
    serde_json::to_writer(&mut json, claims).map_err(SignError::Claims)?;

    let header = key.encoded_header(typ);
    let signature_len = base64url::encoded_len(key.signature_len());
    let token_len = header.len() + base64url::encoded_len(json.len()) + 1 + signature_len;
    if token_len > MAX_TOKEN_BYTES {
        return Err(SignError::Oversize);
    }
    let mut token = String::with_capacity(token_len);
    token.push_str(header);
    base64url::encode_onto(&mut token, &json);

    let mut signature_text = String::with_capacity(1 + signature_len);
    signature_text.push('.');
    key.sign(token.as_bytes(), |signature| {
        base64url::encode_onto(&mut signature_text, signature);
    })
    .map_err(|Unspecified| SignError::Signature)?;
    token.push_str(&signature_text);
    Ok(token)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Algorithm, Expected, JwkSet, VerifyingKeys, test_keys, unverified, verify};

    fn key(algorithm: Algorithm) -> SigningKey {
        SigningKey::from_pkcs8("jwk-test-1", algorithm, test_keys::pkcs8(algorithm)).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            iss: "i".into(),
            sub: "s".into(),
            aud: vec!["a".into()],
            iat: 1_000,
            nbf: 1_000,
            exp: 4_600,
            ..Claims::default()
        }
    }

    #[test]
    fn what_is_signed_verifies_with_the_public_half() {
        for algorithm in Algorithm::ALL {
            for typ in [TokenType::Jwt, TokenType::AtJwt] {
                let key = key(algorithm);
                let token = sign(&key, typ, &claims()).unwrap();
                let keys = VerifyingKeys::from_set(&JwkSet {
                    keys: vec![key.public_jwk()],
                });
                let expected = Expected {
                    issuers: &["i"],
                    audience: "a",
                    types: &[typ],
                    leeway_seconds: 0,
                    max_age_seconds: None,
                };
                assert_eq!(
                    verify(&token, &keys, &expected, 1_000),
                    Ok(claims()),
                    "{algorithm} {typ:?}"
                );
                let header = unverified::decode(&token).unwrap().header;
                let said = json!({"alg": algorithm.name(), "kid": "jwk-test-1", "typ": typ.name()});
                assert_eq!(header, said);
            }
        }
    }

    #[test]
    fn the_token_is_built_without_growing() {
        for algorithm in Algorithm::ALL {
            let token = sign(&key(algorithm), TokenType::Jwt, &claims()).unwrap();
            assert_eq!(token.len(), token.capacity(), "{algorithm}");
        }
    }

    #[test]
    fn an_extra_claim_cannot_repeat_a_field() {
        for name in Claims::NAMES {
            let mut claims = claims();
            claims.extra.insert(name.to_owned(), Value::Null);
            let error = sign(&key(Algorithm::EdDsa), TokenType::Jwt, &claims).unwrap_err();
            assert!(matches!(error, SignError::RegisteredClaim { name: said } if said == name));
        }
    }

    #[test]
    fn no_token_is_made_that_everyone_would_refuse() {
        let long = |length| Claims {
            scope: "s".repeat(length),
            ..claims()
        };
        let sign = |length| sign(&key(Algorithm::EdDsa), TokenType::Jwt, &long(length));
        let longest = (11_000..13_000)
            .rev()
            .find(|&length| sign(length).is_ok())
            .unwrap();
        assert!(sign(longest).unwrap().len() > MAX_TOKEN_BYTES - 2);
        assert!(matches!(sign(longest + 1), Err(SignError::Oversize)));
    }
}
