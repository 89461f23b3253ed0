//! The gateway: calls any API without the caller holding its credential.
//!
//! A call is routed, admitted by the caller's token, given the provider's credential, stripped of what must not go on, dialled to an
//! address that was checked, and forwarded. This crate knows neither the database nor a signing key.

pub mod scrub;
