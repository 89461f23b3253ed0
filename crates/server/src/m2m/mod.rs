//! Managing M2M clients: the wire's project API.

pub mod change;
pub mod clients;
pub mod rotation;
pub mod search;
pub mod whoami;
pub mod wire;
