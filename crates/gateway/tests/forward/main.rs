//! Calls through the whole way, with real sockets at both ends.
#![cfg(test)]

mod answers;
mod bounds;
mod injection;
mod oauth;
mod recorder;
mod streaming;
mod websocket;
mod world;
