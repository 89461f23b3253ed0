//! What each caller may take of one provider: calls at once, and calls and bytes a day.
//!
//! A day is one of UTC. What a caller took is known to this process alone, and until it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::{ForwardError, RateLimited, Unit};
use super::limits::Limits;
use super::meter::Meter;

const DAY_SECONDS: u64 = 24 * 60 * 60;
/// Callers remembered before those of earlier days are forgotten.
const TIDY_ABOVE: usize = 10_000;

/// The quotas of one provider, if it has any.
#[derive(Debug)]
pub(super) struct Quotas(Option<Arc<Kept>>);

#[derive(Debug)]
struct Kept {
    at_once: Option<u32>,
    calls: Option<u64>,
    bytes: Option<u64>,
    callers: Mutex<HashMap<String, Taken>>,
}

/// What a caller has taken on a day.
#[derive(Debug, Default)]
struct Taken {
    day: u64,
    calls: u64,
    bytes: u64,
    under_way: u32,
}

/// A caller's part of the provider, for the length of a call.
#[derive(Debug)]
pub(super) struct Share {
    kept: Arc<Kept>,
    caller: String,
    meter: Option<Arc<Meter>>,
}

impl Quotas {
    pub(super) fn new(limits: &Limits) -> Self {
        let kept = Kept {
            at_once: limits.caller_concurrency,
            calls: limits.caller_calls_per_day,
            bytes: limits.caller_bytes_per_day,
            callers: Mutex::default(),
        };
        let is_set = kept.at_once.is_some() || kept.calls.is_some() || kept.bytes.is_some();
        Self(is_set.then(|| Arc::new(kept)))
    }

    /// Counts a call that begins now.
    pub(super) fn take(&self, caller: &str, unix_seconds: u64) -> Result<Option<Share>, ForwardError> {
        let Some(kept) = &self.0 else {
            return Ok(None);
        };
        kept.take(caller, unix_seconds)?;
        Ok(Some(Share {
            kept: kept.clone(),
            caller: caller.to_owned(),
            meter: None,
        }))
    }
}

impl Kept {
    fn take(&self, caller: &str, unix_seconds: u64) -> Result<(), ForwardError> {
        let day = unix_seconds / DAY_SECONDS;
        let mut callers = self.lock();
        if callers.len() > TIDY_ABOVE {
            callers.retain(|_, taken| taken.day == day || taken.under_way > 0);
        }
        let taken = callers.entry(caller.to_owned()).or_default();
        if taken.day != day {
            (taken.day, taken.calls, taken.bytes) = (day, 0, 0);
        }
        if self.at_once.is_some_and(|most| taken.under_way >= most) {
            return Err(ForwardError::CallerBusy);
        }
        let used_up = |unit, quota: Option<u64>, taken| match quota {
            Some(quota) if taken >= quota => Err(ForwardError::QuotaUsed(RateLimited {
                policy: match unit {
                    Unit::Calls => "caller-calls-day",
                    Unit::Bytes => "caller-bytes-day",
                },
                quota,
                unit,
                window: Duration::from_secs(DAY_SECONDS),
                retry_after: Duration::from_secs(DAY_SECONDS - unix_seconds % DAY_SECONDS),
            })),
            _ => Ok(()),
        };
        used_up(Unit::Calls, self.calls, taken.calls)?;
        used_up(Unit::Bytes, self.bytes, taken.bytes)?;
        taken.calls += 1;
        taken.under_way += 1;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Taken>> {
        // Nothing panics while it is held.
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Its bytes are counted here. They are taken when the call has ended, so that none is broken off in its middle.
    pub(super) fn measure(&mut self, meter: Arc<Meter>) {
        self.meter = Some(meter);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let bytes = self
            .meter
            .as_ref()
            .map_or(0, |meter| meter.bytes_up() + meter.bytes_down());
        if let Some(taken) = self.kept.lock().get_mut(&self.caller) {
            taken.under_way -= 1;
            taken.bytes += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 20_000 * DAY_SECONDS + DAY_SECONDS / 2;

    fn quotas(set: impl FnOnce(&mut Limits)) -> Quotas {
        let mut limits = Limits::default();
        set(&mut limits);
        Quotas::new(&limits)
    }

    #[test]
    fn each_caller_has_its_calls_at_once() {
        let quotas = quotas(|limits| limits.caller_concurrency = Some(1));
        let first = quotas.take("a", NOON).unwrap();
        assert_eq!(quotas.take("a", NOON).unwrap_err(), ForwardError::CallerBusy);
        assert!(quotas.take("b", NOON).is_ok());
        drop(first);
        assert!(quotas.take("a", NOON).is_ok());
    }

    #[test]
    fn a_day_has_so_many_calls_and_the_next_one_as_many() {
        let quotas = quotas(|limits| limits.caller_calls_per_day = Some(2));
        let take = |at| quotas.take("a", at).map(drop);
        assert_eq!((take(NOON), take(NOON)), (Ok(()), Ok(())));
        let Err(ForwardError::QuotaUsed(used)) = take(NOON + 1) else {
            panic!("it was let through");
        };
        assert_eq!((used.policy, used.quota), ("caller-calls-day", 2));
        assert_eq!(used.retry_after, Duration::from_secs(DAY_SECONDS / 2 - 1));
        assert_eq!(quotas.take("b", NOON).map(drop), Ok(()));
        assert_eq!(take(NOON + DAY_SECONDS / 2), Ok(()), "it is midnight");
    }

    #[test]
    fn bytes_of_both_ways_count_when_their_call_has_ended() {
        let quotas = quotas(|limits| limits.caller_bytes_per_day = Some(10));
        let call = |up, down| {
            let mut share = quotas.take("a", NOON)?.unwrap();
            let meter = Arc::new(Meter::new());
            meter.sent(up);
            meter.received(down);
            share.measure(meter);
            Ok::<_, ForwardError>(())
        };
        assert_eq!((call(4, 5), call(1, 0)), (Ok(()), Ok(())));
        let refused = call(0, 0).unwrap_err();
        assert_eq!((refused.code(), refused.status().as_u16()), ("quota_used", 429));
    }

    #[test]
    fn callers_of_earlier_days_are_forgotten() {
        let quotas = quotas(|limits| limits.caller_calls_per_day = Some(1));
        for caller in 0..=TIDY_ABOVE {
            quotas.take(&caller.to_string(), NOON).map(drop).unwrap();
        }
        quotas.take("a", NOON + DAY_SECONDS).map(drop).unwrap();
        assert_eq!(quotas.0.unwrap().lock().len(), 1);
    }
}
