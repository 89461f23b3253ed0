//! The official Rust SDK, unmodified, against a running Countersign.

#[macro_use]
mod surroundings;

mod clients;
mod search;
mod short;
mod tokens;
