//! The token endpoint.

pub mod error;
pub mod presented;
pub mod token;
pub mod upgrade;
