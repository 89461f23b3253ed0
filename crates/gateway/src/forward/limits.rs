//! What one provider may take, and what may be sent to it.

use std::num::NonZeroU32;
use std::time::Duration;

/// The bounds of one provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How long the head of an answer may take, from the last byte of the request that was sent.
    pub head_within: Duration,
    /// How long a body or a WebSocket may stand still.
    pub idle_for: Duration,
    /// The largest body of a request, in bytes.
    pub request_body_bytes: u64,
    /// The largest body of an answer, in bytes, if there is a bound.
    pub response_body_bytes: Option<u64>,
    /// The largest head of an answer, in bytes.
    pub response_head_bytes: u32,
    /// Calls under way at once, WebSockets among them.
    pub concurrency: u32,
    /// Calls a second, of all callers together.
    pub calls_per_second: Option<NonZeroU32>,
    /// Calls a second of each caller.
    pub caller_calls_per_second: Option<NonZeroU32>,
    /// Calls of each caller under way at once.
    pub caller_concurrency: Option<u32>,
    /// Calls of each caller on a day of UTC.
    pub caller_calls_per_day: Option<u64>,
    /// Bytes of each caller on a day of UTC, of bodies up and down; a call that has begun goes to its end.
    pub caller_bytes_per_day: Option<u64>,
    /// How often a call that may be repeated is sent again when the provider could not take it.
    pub retries: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_within: Duration::from_secs(60),
            // Event streams commonly send a comment every 15 to 30 seconds, so that proxies keep them.
            idle_for: Duration::from_secs(300),
            request_body_bytes: 1 << 30,
            response_body_bytes: None,
            response_head_bytes: 64 * 1024,
            concurrency: 10_000,
            calls_per_second: None,
            caller_calls_per_second: None,
            caller_concurrency: None,
            caller_calls_per_day: None,
            caller_bytes_per_day: None,
            retries: 0,
        }
    }
}
