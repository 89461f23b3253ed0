//! How much goes to one provider at a time, whatever the credential.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::error::ForwardError;
use super::limits::Limits;
use super::meter::Meter;
use super::quotas::{Quotas, Share};
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
    quotas: Quotas,
}

/// Room for one call, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_provider: OwnedSemaphorePermit,
    of_caller: Option<Share>,
}

impl Place {
    /// What the call moves is counted here.
    pub(super) fn measure(&mut self, meter: &Arc<Meter>) {
        if let Some(share) = &mut self.of_caller {
            share.measure(meter.clone());
        }
    }
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
            quotas: Quotas::new(&limits),
            limits,
            down_rules,
        }
    }

    /// Lets a call of this caller begin. The place is kept until the call has ended.
    pub(super) fn enter(&self, caller: &str, unix_seconds: u64) -> Result<(Place, Passage), ForwardError> {
        self.rates.take(caller).map_err(ForwardError::RateLimited)?;
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| ForwardError::Busy)?;
        let passage = self.breaker.pass(Instant::now())?;
        // Last: a call that is not sent takes nothing of a day.
        let place = Place {
            of_caller: self.quotas.take(caller, unix_seconds)?,
            _of_provider: place,
        };
        Ok((place, passage))
    }
}
