//! The HTTP API through its front door: the real router over a real database, one binary, files as in `src/`.
//!
//! What holds for every answer (one error style, the request id in body and header, nothing cached) is checked on every
//! answer of every test, in `support/answer.rs`.

mod admin;
mod documents;
mod http;
mod keys;
mod limits;
mod m2m;
mod oauth;
mod problem;
mod secrets_do_not_leak;
mod support;
