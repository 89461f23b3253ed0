//! A clock that stands still until it is moved.

use std::sync::atomic::{AtomicI64, Ordering};

use countersign::clock::Clock;
use countersign_core::Timestamp;

/// When every story begins: 2027-01-15T08:00:00.750Z. Not a whole second, so that rounding shows.
pub(crate) const START_MILLIS: i64 = 1_800_000_000_750;
/// The same in whole seconds, rounded down.
pub(crate) const START: i64 = 1_800_000_000;

pub(crate) struct FixedClock(AtomicI64);

impl Default for FixedClock {
    fn default() -> Self {
        Self(AtomicI64::new(START_MILLIS))
    }
}

impl FixedClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Whole seconds since 1970.
    pub(crate) fn second(&self) -> i64 {
        self.now().as_second()
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}
