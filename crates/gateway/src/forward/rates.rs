//! How often a provider is called, by all and by each.

use std::time::Duration;

use governor::clock::{Clock, DefaultClock, QuantaInstant};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};

use super::error::{RateLimited, Unit};
use super::limits::Limits;

/// Keys remembered before those that have their whole rate again are forgotten.
const TIDY_ABOVE: usize = 10_000;

/// The rates of one provider. One that is not set does not exist.
#[derive(Debug)]
pub(super) struct Rates {
    all: Option<(DefaultDirectRateLimiter, u32)>,
    each: Option<(DefaultKeyedRateLimiter<String>, u32)>,
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            all: limits
                .calls_per_second
                .map(|rate| (RateLimiter::direct(Quota::per_second(rate)), rate.get())),
            each: limits
                .caller_calls_per_second
                .map(|rate| (RateLimiter::keyed(Quota::per_second(rate)), rate.get())),
        }
    }

    /// Counts a call. The caller's own rate is asked first, so that one who is over it takes nothing from the others.
    pub(super) fn take(&self, caller: &str) -> Result<(), RateLimited> {
        if let Some((rate, per_second)) = &self.each {
            if rate.len() > TIDY_ABOVE {
                rate.retain_recent();
            }
            rate.check_key(&caller.to_owned())
                .map_err(|until| limited("caller", *per_second, &until))?;
        }
        if let Some((rate, per_second)) = &self.all {
            rate.check()
                .map_err(|until| limited("provider", *per_second, &until))?;
        }
        Ok(())
    }
}

fn limited(policy: &'static str, calls_per_second: u32, until: &NotUntil<QuantaInstant>) -> RateLimited {
    RateLimited {
        policy,
        quota: calls_per_second.into(),
        unit: Unit::Calls,
        window: Duration::from_secs(1),
        retry_after: until.wait_time_from(DefaultClock::default().now()),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn one_caller_over_its_rate_takes_nothing_from_the_others() {
        let rates = Rates::new(&Limits {
            calls_per_second: NonZeroU32::new(3),
            caller_calls_per_second: NonZeroU32::new(2),
            ..Limits::default()
        });
        let whose = |caller| rates.take(caller).err().map(|limited| limited.policy);
        assert_eq!(
            [whose("a"), whose("a"), whose("a"), whose("a")],
            [None, None, Some("caller"), Some("caller")]
        );
        assert_eq!([whose("b"), whose("b")], [None, Some("provider")]);
        let limited = rates.take("c").unwrap_err();
        assert_eq!(limited.quota, 3);
        assert!(limited.retry_after > Duration::ZERO && limited.retry_after <= Duration::from_secs(1));
    }

    #[test]
    fn without_rates_nobody_is_held_up() {
        let rates = Rates::new(&Limits::default());
        assert!((0..10_000).all(|_| rates.take("a").is_ok()));
    }
}
