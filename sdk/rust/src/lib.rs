// Its programs need these features.
#![cfg_attr(
    any(not(doctest), all(feature = "axum", feature = "reqwest-middleware")),
    doc = include_str!("../README.md")
)]

#[cfg(any(feature = "axum", feature = "tower"))]
mod bearer;
#[cfg(feature = "reqwest-middleware")]
mod bearer_middleware;
mod chance;
mod clock;
mod config;
#[cfg(feature = "axum")]
mod extractor;
mod http;
mod identity;
#[cfg(feature = "tower")]
mod layer;
mod refusal;
#[cfg(any(feature = "axum", feature = "tower"))]
mod refusal_response;
mod single_flight;
mod token_source;
mod verifier;

#[cfg(any(feature = "axum", feature = "tower"))]
pub use bearer::bearer_token;
#[cfg(feature = "reqwest-middleware")]
pub use bearer_middleware::BearerToken;
pub use chance::{Chance, SystemChance};
pub use clock::{Clock, ClockFn, SystemClock};
pub use config::ConfigError;
pub use countersign_token::{Algorithm, Claims, JwkSet, Refusal as TokenRefusal, TokenType, satisfies};
#[cfg(feature = "axum")]
pub use extractor::{AnyScope, Authenticated, Rejection, RequiredScopes};
pub use identity::Identity;
#[cfg(feature = "tower")]
pub use layer::{RequireToken, RequireTokenService};
pub use refusal::{KeysProblem, Refusal};
#[cfg(any(feature = "axum", feature = "tower"))]
pub use refusal_response::refusal_response;
pub use reqwest;
pub use secrecy::SecretString;
pub use token_source::{
    ATTEMPT_TIMEOUT, AccessToken, TOTAL_TIMEOUT, TokenError, TokenSource, TokenSourceBuilder,
};
pub use verifier::{
    FETCH_TIMEOUT, KEYS_USABLE_FOR, Profile, REFRESH_EVERY, SEEN_TOKENS_BYTES, UNKNOWN_KEY_COOL_DOWN,
    Verifier, VerifierBuilder,
};
