//! Signing keys at work: parsed once, published, rotated.

pub mod discovery;
pub mod jwk_sets;
pub mod live_project;
pub mod making;
pub mod oldest;

pub use live_project::{LiveKey, LiveProject};
pub use oldest::OldestKey;
