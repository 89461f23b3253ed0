//! Rates: how often a source may be refused, and how many tokens a source or a project may take.
//!
//! Refusals are counted by source alone, never by the client they aim at. So nobody can lock a client out by guessing at
//! it: a correct secret from a source without failures always passes. A source that guesses is told to wait before its
//! next guess is even looked at.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use countersign_core::ids::ProjectId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use quick_cache::sync::Cache;

use crate::config;
use crate::problem::Problem;

/// Sources remembered as blocked; more push out what is used least.
const BLOCKED_ENTRIES: usize = 100_000;
/// Longest block; a limiter of one per minute asks for at most this.
const BLOCK_MAX: Duration = Duration::from_secs(60);

/// All rate limits. One that is set to 0 does not exist.
pub struct Limits {
    refusals: Option<DefaultKeyedRateLimiter<Source>>,
    blocked: Cache<Source, Instant>,
    tokens_by_source: Option<DefaultKeyedRateLimiter<Source>>,
    tokens_by_project: Option<DefaultKeyedRateLimiter<ProjectId>>,
}

/// A source address as limits see it: an IPv6 /64 is one customer's network, so it counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
        })
    }
}

impl Limits {
    /// The limits of a configuration.
    pub fn new(config: &config::Limits) -> Self {
        let per_second = |rate: u32| NonZeroU32::new(rate).map(Quota::per_second);
        let per_minute = |rate: u32| NonZeroU32::new(rate).map(Quota::per_minute);
        Self {
            refusals: per_minute(config.refusals_per_source_per_minute).map(RateLimiter::keyed),
            blocked: Cache::new(BLOCKED_ENTRIES),
            tokens_by_source: per_second(config.tokens_per_source_per_second).map(RateLimiter::keyed),
            tokens_by_project: per_second(config.tokens_per_project_per_second).map(RateLimiter::keyed),
        }
    }

    /// Lets a source try, or tells it to wait because too many of its tries were refused.
    pub fn admit(&self, address: IpAddr) -> Result<(), Problem> {
        let Some(until) = self.blocked.get(&Source::from(address)) else {
            return Ok(());
        };
        let wait = until.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            Ok(())
        } else {
            Err(too_many(wait))
        }
    }

    /// A try under way, which counts as refused unless it [passes](Try::passed): a caller that hangs up while its secret is
    /// checked has tried all the same.
    pub fn attempt(&self, address: IpAddr) -> Try<'_> {
        Try {
            limits: self,
            address,
            counts: true,
        }
    }

    /// Counts a refused try against its source.
    pub fn refused(&self, address: IpAddr) {
        let Some(refusals) = &self.refusals else { return };
        let source = Source::from(address);
        if let Err(not_until) = refusals.check_key(&source) {
            let wait = not_until
                .wait_time_from(DefaultClock::default().now())
                .min(BLOCK_MAX);
            self.blocked.insert(source, Instant::now() + wait);
            metrics::counter!("countersign_sources_blocked_total").increment(1);
        }
    }

    /// Counts a token about to be issued.
    pub fn token(&self, address: IpAddr, project_id: &ProjectId) -> Result<(), Problem> {
        if let Some(limiter) = &self.tokens_by_source {
            within(limiter, &address.into())?;
        }
        if let Some(limiter) = &self.tokens_by_project {
            within(limiter, project_id)?;
        }
        Ok(())
    }

    /// Gives back the memory of sources and projects that are within their rates again.
    pub fn tidy(&self) {
        for limiter in [&self.refusals, &self.tokens_by_source].into_iter().flatten() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        if let Some(limiter) = &self.tokens_by_project {
            limiter.retain_recent();
        }
    }
}

/// A try under way.
#[must_use]
pub struct Try<'l> {
    limits: &'l Limits,
    address: IpAddr,
    counts: bool,
}

impl Try<'_> {
    /// It is not the caller who is at fault.
    pub fn passed(mut self) {
        self.counts = false;
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        if self.counts {
            self.limits.refused(self.address);
        }
    }
}

fn within<K: Clone + Eq + std::hash::Hash>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
) -> Result<(), Problem> {
    limiter
        .check_key(key)
        .map_err(|not_until| too_many(not_until.wait_time_from(DefaultClock::default().now())))
}

fn too_many(wait: Duration) -> Problem {
    Problem::too_many_requests(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(refusals: u32, per_project: u32) -> Limits {
        let mut config = crate::config::Config::load(None, [], vec![]).unwrap().limits;
        config.refusals_per_source_per_minute = refusals;
        config.tokens_per_project_per_second = per_project;
        Limits::new(&config)
    }

    #[test]
    fn a_source_is_blocked_by_its_own_refusals_only() {
        let limits = limits(3, 0);
        let (bad, good) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for _ in 0..3 {
            limits.attempt(bad).passed();
            drop(limits.attempt(bad));
            assert!(limits.admit(bad).is_ok());
        }
        drop(limits.attempt(bad));
        let problem = limits.admit(bad).unwrap_err();
        assert!((1..=60).contains(&problem.retry_after.unwrap()));
        assert!(limits.admit(good).is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        let source = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
    }

    #[test]
    fn a_limit_of_zero_does_not_exist() {
        let limits = limits(0, 0);
        for _ in 0..1000 {
            limits.refused(IpAddr::from([192, 0, 2, 1]));
        }
        assert!(limits.admit(IpAddr::from([192, 0, 2, 1])).is_ok());
    }

    #[test]
    fn tokens_of_one_project_do_not_use_up_anothers() {
        let limits = limits(0, 1);
        let (address, own) = (IpAddr::from([192, 0, 2, 1]), "project-test-1".parse().unwrap());
        assert!(limits.token(address, &own).is_ok());
        assert_eq!(limits.token(address, &own).unwrap_err().retry_after, Some(1));
        assert!(limits.token(address, &"project-test-2".parse().unwrap()).is_ok());
    }
}
