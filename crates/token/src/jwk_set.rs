//! A set of public keys.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::PublicJwk;

/// A JWK set (RFC 7517 section 5) of keys that may sign tokens.
///
/// Reading is tolerant, as section 5 there asks: a key of another kind or use, or one with broken members, is
/// left out, and so are members beside `keys`. One strange key does not take the others down.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Wire")]
pub struct JwkSet {
    /// The keys, in the order of the document.
    pub keys: Vec<PublicJwk>,
}

/// The document is no JSON object with an array `keys`.
#[derive(Debug, thiserror::Error)]
#[error("not a JWK set: {0}")]
pub struct JwkSetError(#[from] serde_json::Error);

impl JwkSet {
    /// Reads a JWK set document, also one in the Stytch form (see [`crate::StytchJwk`]).
    ///
    /// # Errors
    ///
    /// [`JwkSetError`] when the document is no JSON object with an array `keys`. A key is never the reason.
    pub fn from_json(document: &[u8]) -> Result<Self, JwkSetError> {
        Ok(serde_json::from_slice(document)?)
    }
}

#[derive(Deserialize)]
struct Wire {
    keys: Vec<Value>,
}

impl From<Wire> for JwkSet {
    fn from(wire: Wire) -> Self {
        Self {
            keys: wire
                .keys
                .into_iter()
                .filter_map(|key| serde_json::from_value(key).ok())
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_keys_are_passed_over() {
        let document = br#"{
            "status_code": 200,
            "keys": [
                {"kty": "oct", "kid": "a", "k": "AAAA"},
                {"kty": "EC", "crv": "P-521", "kid": "b", "x": "AA", "y": "AA"},
                {"kty": "OKP", "crv": "Ed25519", "kid": "c", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
                {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
                {"kty": "RSA", "kid": "d", "alg": "RSA-OAEP", "n": "Aw", "e": "AQAB"},
                {"kty": 7}, 7, null
            ]
        }"#;
        let set = JwkSet::from_json(document).unwrap();
        assert_eq!(
            set.keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(),
            ["c"]
        );
    }

    #[test]
    fn what_is_no_set_is_an_error() {
        for document in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": []"#] {
            assert!(JwkSet::from_json(document.as_bytes()).is_err(), "{document}");
        }
    }

    #[test]
    fn an_empty_set_is_written_as_one() {
        assert_eq!(
            serde_json::to_string(&JwkSet::default()).unwrap(),
            r#"{"keys":[]}"#
        );
    }
}
