//! What time it is.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A wall clock, against which the times in a token are judged.
///
/// Bring your own to test what your service does with an expired token, or where the system's clock is not to
/// be believed.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Seconds since 1970-01-01T00:00:00Z.
    fn unix_seconds(&self) -> i64;
}

/// The system's clock, which is what a [`crate::Verifier`] reads unless it is told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this crate that reads the wall clock"
    )]
    fn unix_seconds(&self) -> i64 {
        // A clock before 1970 is broken; at 0 no token is valid yet.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

/// A fixed time, or one that a test moves: any function is a clock.
impl<F: Fn() -> i64 + Send + Sync + 'static> Clock for ClockFn<F> {
    fn unix_seconds(&self) -> i64 {
        (self.0)()
    }
}

/// A [`Clock`] that asks a function for the seconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use countersign_client::{Clock, ClockFn};
///
/// assert_eq!(ClockFn(|| 1_800_000_000).unix_seconds(), 1_800_000_000);
/// ```
pub struct ClockFn<F>(
    /// The function.
    pub F,
);

impl<F> fmt::Debug for ClockFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClockFn")
    }
}
