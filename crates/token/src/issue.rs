//! Making keys and tokens: for the server alone.

mod certificate;
mod key_error;
mod sign;
mod signing_key;

pub use certificate::self_signed_certificate;
pub use key_error::KeyError;
pub use sign::{SignError, sign};
pub use signing_key::{Pkcs8, SigningKey};
