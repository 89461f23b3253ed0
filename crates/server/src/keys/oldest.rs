//! The signing key that has signed for longest: whoever watches a node sees by it whether keys still rotate.

use std::sync::atomic::{AtomicI64, Ordering};

use countersign_core::Timestamp;
use countersign_core::key_life::{KeyState, StoredKey};
use jiff::SignedDuration;

/// Nothing signs, or nobody has looked yet.
const UNKNOWN: i64 = i64::MAX;

/// Since when it signs, as housekeeping last saw it.
#[derive(Debug)]
pub struct OldestKey(AtomicI64);

impl Default for OldestKey {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl OldestKey {
    /// Notes the result of a look at every key; `None` when nothing signs.
    pub fn seen(&self, since: Option<Timestamp>) {
        self.0.store(
            since.map_or(UNKNOWN, Timestamp::as_millisecond),
            Ordering::Relaxed,
        );
    }

    /// How long it has been signing.
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        let since = Timestamp::from_millisecond(self.0.load(Ordering::Relaxed)).ok()?;
        Some(now.duration_since(since))
    }
}

/// Since when the oldest of these keys that sign does.
pub fn oldest(keys: &[StoredKey], now: Timestamp) -> Option<Timestamp> {
    let signing = keys.iter().filter(|key| key.state(now) == KeyState::Active);
    signing.map(|key| key.activate_at).min()
}
