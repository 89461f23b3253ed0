//! How much of the gateway and of the provider calls may take.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// The limits of one provider. What is absent is as the gateway has it for all.
///
/// A name that is not known is refused, also when it is read from the database: a limit that is passed over limits nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderLimits {
    /// Seconds from a call's beginning until the provider's answer has begun: 1 to 3,600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// Seconds without a byte either way, after which a call is ended: 1 to 86,400.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout_seconds: Option<u64>,
    /// Bytes of a request's body: up to 1 TiB; 0 allows none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body_bytes: Option<u64>,
    /// Bytes of an answer's body: 1 KiB to 1 TiB. Without it there is no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_body_bytes: Option<u64>,
    /// Bytes of an answer's head: 1 KiB to 1 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_header_bytes: Option<u64>,
    /// Calls at a time: 1 to 100,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u64>,
    /// Calls in a second, of all callers together: 1 to 1,000,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<u64>,
    /// Calls in a second of one caller: 1 to 1,000,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_calls_per_second: Option<u64>,
    /// Calls at a time of one caller: 1 to 100,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_concurrency: Option<u64>,
    /// Calls of one caller on a day of UTC, counted by each node for itself: 1 to a billion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_calls_per_day: Option<u64>,
    /// Bytes of one caller's bodies on a day of UTC, counted by each node for itself: 1 KiB to 1 PiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_bytes_per_day: Option<u64>,
    /// How often a call is sent again that may be repeated (an idempotent method, a body of at most 64 KiB) and that the provider
    /// could not take: up to 5. Without it, never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u64>,
}

/// A limit out of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("limits.{name} is from {least} to {most}")]
pub struct InvalidLimit {
    /// Which.
    pub name: &'static str,
    /// The least it may be.
    pub least: u64,
    /// The most.
    pub most: u64,
}

impl ProviderLimits {
    /// Refuses what would stop every call, or limit none.
    pub fn check(&self) -> Result<(), InvalidLimit> {
        const RATE: RangeInclusive<u64> = 1..=1_000_000;
        for (name, limit, bounds) in [
            ("timeout_seconds", self.timeout_seconds, 1..=3_600),
            ("idle_timeout_seconds", self.idle_timeout_seconds, 1..=86_400),
            ("request_body_bytes", self.request_body_bytes, 0..=1 << 40),
            ("response_body_bytes", self.response_body_bytes, 1 << 10..=1 << 40),
            (
                "response_header_bytes",
                self.response_header_bytes,
                1 << 10..=1 << 20,
            ),
            ("concurrency", self.concurrency, 1..=100_000),
            ("calls_per_second", self.calls_per_second, RATE),
            ("caller_calls_per_second", self.caller_calls_per_second, RATE),
            ("caller_concurrency", self.caller_concurrency, 1..=100_000),
            (
                "caller_calls_per_day",
                self.caller_calls_per_day,
                1..=1_000_000_000,
            ),
            (
                "caller_bytes_per_day",
                self.caller_bytes_per_day,
                1 << 10..=1 << 50,
            ),
            ("retries", self.retries, 0..=5),
        ] {
            if limit.is_some_and(|limit| !bounds.contains(&limit)) {
                return Err(InvalidLimit {
                    name,
                    least: *bounds.start(),
                    most: *bounds.end(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limits(name: &str, value: u64) -> ProviderLimits {
        serde_json::from_value(json!({ name: value })).unwrap()
    }

    #[test]
    fn each_limit_has_bounds() {
        for (name, least, most) in [
            ("timeout_seconds", 1, 3_600),
            ("idle_timeout_seconds", 1, 86_400),
            ("request_body_bytes", 0, 1 << 40),
            ("response_body_bytes", 1024, 1 << 40),
            ("response_header_bytes", 1024, 1 << 20),
            ("concurrency", 1, 100_000),
            ("calls_per_second", 1, 1_000_000),
            ("caller_calls_per_second", 1, 1_000_000),
            ("caller_concurrency", 1, 100_000),
            ("caller_calls_per_day", 1, 1_000_000_000),
            ("caller_bytes_per_day", 1024, 1 << 50),
            ("retries", 0, 5),
        ] {
            assert_eq!(limits(name, least).check(), Ok(()), "{name}");
            assert_eq!(limits(name, most).check(), Ok(()), "{name}");
            let refused = Err(InvalidLimit { name, least, most });
            assert_eq!(limits(name, most + 1).check(), refused);
            if least > 0 {
                assert_eq!(limits(name, least - 1).check(), refused);
            }
        }
    }

    #[test]
    fn only_what_is_there_is_written_and_nothing_unknown_is_read() {
        let written = serde_json::to_value(limits("concurrency", 8)).unwrap();
        assert_eq!(written, json!({ "concurrency": 8 }));
        assert_eq!(
            serde_json::to_value(ProviderLimits::default()).unwrap(),
            json!({})
        );
        assert!(serde_json::from_value::<ProviderLimits>(json!({ "concurency": 8 })).is_err());
    }
}
