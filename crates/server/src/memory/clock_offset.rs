//! How far this machine's clock is from the database's: one clock that all nodes see.

use std::sync::atomic::{AtomicI64, Ordering};

use countersign_core::Timestamp;
use jiff::SignedDuration;

/// Beyond this a node says so: SDKs refuse tokens from the future, and keys would begin and end at the wrong time.
const TOLERATED: SignedDuration = SignedDuration::from_secs(5);
/// Nothing was seen yet.
const UNKNOWN: i64 = i64::MIN;

/// The offset as it was last seen.
#[derive(Debug)]
pub struct ClockOffset(AtomicI64);

impl Default for ClockOffset {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl ClockOffset {
    /// Notes what the database's clock said at a moment between two readings of ours. What they explain is no offset.
    pub fn seen(&self, before: Timestamp, database: Timestamp, after: Timestamp) {
        let ahead = if database < before {
            before.duration_since(database)
        } else if database > after {
            after.duration_since(database)
        } else {
            SignedDuration::ZERO
        };
        let millis = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
        let was_tolerable = self.0.swap(millis, Ordering::Relaxed);
        if !is_tolerable(millis) && is_tolerable(was_tolerable) {
            tracing::warn!(
                ahead_ms = millis,
                "this machine's clock and the database's are apart"
            );
        }
    }

    /// Milliseconds that this machine is ahead of the database, negative when behind; `None` where there is one clock alone.
    pub fn ahead_ms(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|ahead| *ahead != UNKNOWN)
    }

    /// Whether the clocks are so far apart that somebody must look.
    pub fn is_off(&self) -> bool {
        self.ahead_ms().is_some_and(|ahead| !is_tolerable(ahead))
    }
}

fn is_tolerable(ahead_ms: i64) -> bool {
    ahead_ms == UNKNOWN || SignedDuration::from_millis(ahead_ms).abs() <= TOLERATED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(before: i64, database: i64, after: i64) -> ClockOffset {
        let offset = ClockOffset::default();
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        offset.seen(at(before), at(database), at(after));
        offset
    }

    #[test]
    fn only_what_the_way_cannot_explain_is_an_offset() {
        assert_eq!(ClockOffset::default().ahead_ms(), None);
        assert_eq!(seen(1000, 1400, 1500).ahead_ms(), Some(0));
        assert_eq!(seen(1000, 900, 1500).ahead_ms(), Some(100));
        assert_eq!(seen(1000, 1800, 1500).ahead_ms(), Some(-300));
    }

    #[test]
    fn more_than_five_seconds_either_way_are_too_many() {
        assert!(!ClockOffset::default().is_off());
        assert!(!seen(6000, 1000, 6000).is_off());
        assert!(seen(6001, 1000, 6001).is_off());
        assert!(!seen(1000, 6000, 1000).is_off());
        assert!(seen(1000, 6001, 1000).is_off());
    }
}
