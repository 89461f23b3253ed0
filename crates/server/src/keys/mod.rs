//! Signing keys at work: parsed once, published, rotated.

pub mod discovery;
pub mod jwk_sets;
pub mod live_project;
pub mod making;

pub use live_project::{LiveKey, LiveProject};
