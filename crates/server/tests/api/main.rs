//! The HTTP API through its front door: the real router over a real database, one binary, files as in `src/`.
//!
//! What holds for every answer (one error style, the request id in body and header, nothing cached) is checked on every
//! answer of every test, in `support/answer.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a step that fails is a test that fails"
)]

mod admin;
mod answers_are_as_described;
mod documents;
mod every_route_is_guarded;
mod gateway;
mod http;
mod jobs;
mod keys;
mod limits;
mod m2m;
mod metrics;
mod oauth;
mod openapi;
mod problem;
mod secrets_do_not_leak;
mod support;
