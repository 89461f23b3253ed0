//! Following the change feed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign_store::{ChangePosition, Store, StoreError};

use super::Memory;
use crate::clock::Clock;

/// How often the feed is looked at.
pub const POLL_EVERY: Duration = Duration::from_millis(250);

/// How long after the start of the last completed poll memory may be believed. With the poll's interval and the time of
/// a token request inside, a deactivation holds everywhere within one second.
pub const BELIEVED_FOR: Duration = Duration::from_millis(750);

/// Says whether memory may be believed. By a monotonic clock: a jump of the wall clock must not make old truth young.
pub struct Freshness {
    epoch: Instant,
    believed_for: Duration,
    /// Nanoseconds from `epoch` until which memory is believed; 0 at first, so nothing is.
    believed_until: AtomicU64,
}

impl Freshness {
    /// Not fresh until a poll completes.
    pub fn new(believed_for: Duration) -> Self {
        Self {
            epoch: Instant::now(),
            believed_for,
            believed_until: AtomicU64::new(0),
        }
    }

    /// To be called right before the database is asked.
    pub fn poll_started(&self) -> Instant {
        Instant::now()
    }

    /// To be called once everything that the poll found has been forgotten.
    pub fn poll_completed(&self, started: Instant) {
        let until = (started + self.believed_for).saturating_duration_since(self.epoch);
        let until = u64::try_from(until.as_nanos()).unwrap_or(u64::MAX);
        self.believed_until.store(until, Ordering::Release);
    }

    /// How long ago the last completed poll began; `None` before the first.
    pub fn age(&self) -> Option<Duration> {
        let until = self.believed_until.load(Ordering::Acquire);
        let began = Duration::from_nanos(until).checked_sub(self.believed_for)?;
        (until > 0).then(|| self.epoch.elapsed().saturating_sub(began))
    }

    /// Whether memory may be believed now.
    pub fn is_fresh(&self) -> bool {
        self.epoch.elapsed().as_nanos() < u128::from(self.believed_until.load(Ordering::Acquire))
    }
}

/// A reader of the feed on behalf of one memory.
pub struct Follower {
    store: Arc<dyn Store>,
    memory: Arc<Memory>,
    clock: Arc<dyn Clock>,
    position: Option<ChangePosition>,
}

impl Follower {
    /// Follows from now on.
    pub fn new(store: Arc<dyn Store>, memory: Arc<Memory>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            memory,
            clock,
            position: None,
        }
    }

    /// Looks once and forgets what changed.
    pub async fn poll(&mut self) -> Result<(), StoreError> {
        let started = self.memory.freshness.poll_started();
        let before = self.clock.now();
        let changes = self.store.changes(self.position.as_ref()).await?;
        if let Some(at) = changes.at {
            self.memory.clock.seen(before, at, self.clock.now());
        }
        match (&self.position, &changes.changed) {
            (Some(_), Some(changed)) => changed.iter().for_each(|change| self.memory.forget(change)),
            // The feed does not reach back to where we were, or we were nowhere: anything may have changed.
            (_, None) | (None, _) => self.memory.forget_all(),
        }
        self.position = Some(changes.position);
        self.memory.freshness.poll_completed(started);
        Ok(())
    }

    /// Looks every [`POLL_EVERY`], for ever. A failed look is repeated; meanwhile memory loses its belief by itself.
    pub async fn run(mut self) {
        let mut interval = tokio::time::interval(POLL_EVERY);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            if let Err(error) = self.poll().await {
                tracing::warn!(%error, "the change feed could not be read; answering from the database until it can");
            }
        }
    }
}
