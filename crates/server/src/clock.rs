//! The one place that reads the wall clock.

use countersign_core::Timestamp;

/// Where `now` comes from: the system's clock, or a fixed one in tests.
pub trait Clock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    fn now(&self) -> Timestamp {
        // As fine as it is kept: what is answered at once and what is read later are then the same.
        let millis = Timestamp::now().as_millisecond();
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }
}
