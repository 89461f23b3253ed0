//! The gateway: calls any API without the caller holding its credential.
//!
//! A call is routed, admitted by the caller's token, given the provider's credential, stripped of what must not go on, dialled to an
//! address that was checked, and forwarded. This crate knows neither the database nor a signing key.

pub mod address;
pub mod admit;
pub mod arguments;
pub mod breaker;
pub mod canonical_path;
pub mod dial;
pub mod document;
pub mod forward;
pub mod framing;
pub mod headers;
pub mod host;
pub mod inject;
pub mod policy;
pub mod query;
pub mod scrub;
pub mod upstream;
