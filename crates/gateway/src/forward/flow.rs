//! How much goes to one provider at a time, whatever the credential.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::error::ForwardError;
use super::limits::Limits;
use super::rates::Rates;
use crate::breaker::{Breaker, Passage};
use crate::headers::DownRules;

/// The bounds of one provider and what they have counted. It outlives changes of its credentials.
#[derive(Debug)]
pub struct Flow {
    pub(super) limits: Limits,
    pub(super) down_rules: DownRules,
    breaker: Breaker,
    places: Arc<Semaphore>,
    rates: Rates,
}

impl Flow {
    /// Nothing is under way yet.
    #[must_use]
    pub fn new(limits: Limits, down_rules: DownRules) -> Self {
        let places = usize::try_from(limits.concurrency).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            breaker: Breaker::default(),
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            rates: Rates::new(&limits),
            limits,
            down_rules,
        }
    }

    /// Lets a call of this caller begin. The place is kept until the call has ended.
    pub(super) fn enter(&self, caller: &str) -> Result<(OwnedSemaphorePermit, Passage), ForwardError> {
        self.rates.take(caller).map_err(ForwardError::RateLimited)?;
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| ForwardError::Busy)?;
        Ok((place, self.breaker.pass(Instant::now())?))
    }
}
