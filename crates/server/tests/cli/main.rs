//! The command line, by running the real binary against a real server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a step that fails is a test that fails"
)]

mod backup;
mod clients;
mod config;
mod deploy;
mod doctor;
mod exit_codes;
mod first_start;
mod help;
mod import;
mod installation;
mod master_key;
mod migrate;
mod pipes;
mod projects;
mod providers;
mod recover;
mod secrets;
mod support;
mod tokens;
mod transfer;
