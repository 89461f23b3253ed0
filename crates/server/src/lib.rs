//! Countersign: the server, its command line, and how the parts are wired together.
//!
//! Start reading at [`router`], the table of contents of the HTTP API, or follow one of the walks of `ARCHITECTURE.md`.

pub mod admin;
pub mod app;
pub mod callers;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod documents;
pub mod dual_run;
pub mod gateway;
pub mod health;
pub mod http;
pub mod jobs;
pub mod keys;
pub mod limits;
pub mod listen;
pub mod logging;
pub mod m2m;
pub mod memory;
pub mod metrics;
pub mod oauth;
pub mod openapi;
pub mod problem;
pub mod providers;
pub mod router;
pub mod secret_check;
pub mod serve;
pub mod signer;
pub mod start;
pub mod tls;
pub mod transfer;
pub mod usage;
