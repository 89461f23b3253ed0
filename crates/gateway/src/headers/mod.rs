//! Which header fields cross the gateway, either way.

pub mod configurable;
pub mod down;
mod hop;
mod names;
pub mod up;

pub use configurable::{HeaderNameError, may_be_configured};
pub use down::{DownRefusal, DownRules};
pub use up::{UpRefusal, UpRules, Upgrade};
