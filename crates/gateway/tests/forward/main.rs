//! Calls through the whole way, with real sockets at both ends.
#![cfg(test)]

mod answers;
mod bounds;
mod injection;
mod oauth;
mod recorder;
mod streaming;
#[path = "../guard/test_upstream.rs"]
mod test_upstream;
mod tls;
mod websocket;
mod world;
