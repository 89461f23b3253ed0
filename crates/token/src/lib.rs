//! What a Countersign access token is.
//!
//! A token is a signed JWT (RFC 7519) in the compact form of RFC 7515. This crate knows its [`Claims`], the
//! three [`Algorithm`]s, public keys and their sets ([`PublicJwk`], [`JwkSet`], [`StytchJwk`]), how to
//! [`verify`] a token and when a scope [`satisfies`] another. Signing and key making stand behind the feature
//! `issue`, so that a process which only checks tokens cannot make any.
//!
//! There is no I/O here, no clock and no async: the caller brings the key set and the time.
//!
//! ```
//! use countersign_token::{Expected, JwkSet, TokenType, VerifyingKeys, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let set = JwkSet::from_json(br#"{"keys": []}"#)?;
//! let keys = VerifyingKeys::from_set(&set); // once per fetched set, not once per token
//! let expected = Expected {
//!     issuers: &["stytch.com/project-live-11111111-1111-4111-8111-111111111111"],
//!     audience: "project-live-11111111-1111-4111-8111-111111111111",
//!     types: &[TokenType::Jwt],
//!     leeway_seconds: 0,
//!     max_age_seconds: None,
//! };
//! let refusal = verify("not.a.token", &keys, &expected, 1_800_000_000).unwrap_err();
//! assert_eq!(refusal.code(), "malformed");
//! # Ok(())
//! # }
//! ```
//!
//! # Adding an algorithm
//!
//! A variant of [`Algorithm`] with its name, a variant of [`PublicKey`] with its members, an arm in
//! `verifying_keys.rs` and one in `issue/signing_key.rs`. No `match` on either type has a wildcard: the
//! compiler names the places.

mod algorithm;
mod base64url;
mod claims;
mod compact;
mod header;
mod json;
mod jwk;
mod jwk_set;
mod refusal;
mod scope;
mod stytch_jwk;
mod verify;
mod verifying_keys;

#[cfg(feature = "issue")]
pub mod issue;
#[cfg(any(test, feature = "test-keys"))]
pub mod test_keys;
pub mod unverified;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use claims::Claims;
pub use header::{MAX_KEY_ID_BYTES, TokenType};
pub use jwk::{PublicJwk, PublicKey};
pub use jwk_set::{JwkSet, JwkSetError};
pub use refusal::Refusal;
pub use scope::satisfies;
pub use stytch_jwk::StytchJwk;
pub use verify::{Expected, MAX_TOKEN_BYTES, verify};
pub use verifying_keys::{MIN_RSA_BITS, VerifyingKeys};
