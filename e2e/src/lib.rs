//! Starts the real binary, for the tests in `tests/` and for the program `sdk-suites`.
//!
//! `cargo xtask e2e` runs the tests, `cargo xtask test` all of it. [`Server::start`] is where to begin reading.

mod backend;
pub mod engine;
mod group;
pub mod http;
pub mod identity;
pub mod leaks;
pub mod places;
pub mod program;
pub mod proxy;
pub mod sample;
mod server;
pub mod strace;
pub mod suites;
pub mod tally;

pub use backend::{Answer, Backend};
pub use engine::Engine;
pub use proxy::Proxy;
pub use server::{Options, Server};

/// The Rust in the guide's page about the SDKs is compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/sdks.md")]
mod the_guide {}
