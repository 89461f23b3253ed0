//! What is known of a call while its bodies are on their way.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// Counts one call. Shared by the two bodies, which live in different tasks.
#[derive(Debug)]
pub(super) struct Meter {
    started: Instant,
    /// Milliseconds after `started`.
    last_sent: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    waits_for_caller: AtomicBool,
    is_too_large: AtomicBool,
    caller_broke_off: AtomicBool,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            last_sent: AtomicU64::new(0),
            bytes_up: AtomicU64::new(0),
            bytes_down: AtomicU64::new(0),
            waits_for_caller: AtomicBool::new(false),
            is_too_large: AtomicBool::new(false),
            caller_broke_off: AtomicBool::new(false),
        }
    }

    /// Some of the request went up. Tells how much has in all.
    pub(super) fn sent(&self, bytes: u64) -> u64 {
        let elapsed = self.started.elapsed().as_millis();
        self.last_sent
            .store(u64::try_from(elapsed).unwrap_or(u64::MAX), Relaxed);
        self.waits_for_caller.store(false, Relaxed);
        self.bytes_up.fetch_add(bytes, Relaxed) + bytes
    }

    pub(super) fn received(&self, bytes: u64) {
        self.bytes_down.fetch_add(bytes, Relaxed);
    }

    /// When something went up last.
    pub(super) fn last_sent(&self) -> Instant {
        self.started + Duration::from_millis(self.last_sent.load(Relaxed))
    }

    pub(super) fn wait_for_caller(&self) {
        self.waits_for_caller.store(true, Relaxed);
    }

    /// Whether it is the caller who has to go on.
    pub(super) fn waits_for_caller(&self) -> bool {
        self.waits_for_caller.load(Relaxed)
    }

    pub(super) fn found_too_large(&self) {
        self.is_too_large.store(true, Relaxed);
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.is_too_large.load(Relaxed)
    }

    pub(super) fn caller_broke_off(&self) {
        self.caller_broke_off.store(true, Relaxed);
    }

    pub(super) fn has_caller_broken_off(&self) -> bool {
        self.caller_broke_off.load(Relaxed)
    }

    pub(super) fn bytes_up(&self) -> u64 {
        self.bytes_up.load(Relaxed)
    }

    pub(super) fn bytes_down(&self) -> u64 {
        self.bytes_down.load(Relaxed)
    }
}
