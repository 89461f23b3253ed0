//! The command line, by running the real binary against a real server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a step that fails is a test that fails"
)]

mod backup;
mod clients;
mod config;
mod doctor;
mod exit_codes;
mod first_start;
mod help;
mod installation;
mod master_key;
mod pipes;
mod projects;
mod recover;
mod secrets;
mod support;
mod tokens;
mod transfer;
