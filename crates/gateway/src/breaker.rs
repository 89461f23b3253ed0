//! A provider that is down is left alone for a while.
//!
//! Without this, every call waits for its own time-out: callers pile up here, and the provider is buried the moment it comes back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row, and calls are refused.
const FAILURES: u32 = 5;
/// For how long at first. Each failed trial doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// For how long at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Refuses calls to one provider while it fails. A clone is the same breaker.
///
/// After five failures in a row it is open: calls are refused for a pause. Then one call at a time is let through as a trial; if
/// it succeeds, all are, and if it fails, the next pause is twice as long.
#[derive(Clone, Debug, Default)]
pub struct Breaker(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// While open: until when, and how long the next pause is.
    open: Option<Open>,
    /// Moves on whenever it opens or closes. What was let through before tells nothing about now.
    era: u64,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    until: Instant,
    pause: Duration,
    trial_under_way: bool,
}

/// The breaker is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the provider failed several times in a row and is left alone for a while")]
pub struct ProviderDown {
    /// After which time a call may be let through.
    pub retry_after: Duration,
}

/// A call that was let through. Whoever has it says how it ended; dropped without a word, as when the caller hung up, it tells nothing.
#[derive(Debug)]
pub struct Passage {
    breaker: Breaker,
    era: u64,
    is_trial: bool,
}

impl Breaker {
    /// Lets a call through, or not.
    ///
    /// # Errors
    ///
    /// [`ProviderDown`] while the breaker is open, and while a trial is under way.
    pub fn pass(&self, now: Instant) -> Result<Passage, ProviderDown> {
        let mut state = self.state();
        let is_trial = match &mut state.open {
            None => false,
            Some(open) if now < open.until => {
                return Err(ProviderDown {
                    retry_after: open.until - now,
                });
            }
            Some(open) if open.trial_under_way => {
                return Err(ProviderDown {
                    retry_after: FIRST_PAUSE,
                });
            }
            Some(open) => {
                open.trial_under_way = true;
                true
            }
        };
        Ok(Passage {
            breaker: self.clone(),
            era: state.era,
            is_trial,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage {
    /// The provider answered, whatever it said: it is there.
    pub fn succeeded(self) {
        let mut state = self.breaker.state();
        if state.era != self.era {
            return;
        }
        if state.open.take().is_some() {
            state.era += 1;
        }
        state.failures = 0;
    }

    /// The provider could not be reached, did not answer in time, or said that it is not available.
    pub fn failed(self, now: Instant) {
        let mut state = self.breaker.state();
        if state.era != self.era {
            return;
        }
        state.failures += 1;
        let pause = match state.open {
            Some(open) => (open.pause * 2).min(LONGEST_PAUSE),
            None if state.failures >= FAILURES => FIRST_PAUSE,
            None => return,
        };
        state.era += 1;
        state.open = Some(Open {
            until: now + pause,
            pause,
            trial_under_way: false,
        });
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if !self.is_trial {
            return;
        }
        let mut state = self.breaker.state();
        // After a word on how it ended, another era has begun.
        if state.era == self.era
            && let Some(open) = &mut state.open
        {
            open.trial_under_way = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(at: Instant) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            breaker.pass(at).unwrap().failed(at);
        }
        breaker
    }

    fn retry_after(breaker: &Breaker, now: Instant) -> Option<Duration> {
        breaker.pass(now).err().map(|down| down.retry_after)
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let now = Instant::now();
        let breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 1..FAILURES {
                breaker.pass(now).unwrap().failed(now);
            }
            breaker.pass(now).unwrap().succeeded();
        }
        assert_eq!(retry_after(&breaker, now), None);
        assert_eq!(retry_after(&opened(now), now), Some(FIRST_PAUSE));
    }

    #[test]
    fn after_the_pause_one_trial_decides() {
        let now = Instant::now();
        let later = now + FIRST_PAUSE;
        let breaker = opened(now);
        assert_eq!(
            retry_after(&breaker, later - Duration::from_millis(1)),
            Some(Duration::from_millis(1))
        );
        let trial = breaker.pass(later).unwrap();
        assert!(breaker.pass(later).is_err(), "one trial at a time");
        trial.succeeded();
        assert_eq!(retry_after(&breaker, later), None);
        breaker.pass(later).unwrap().failed(later);
        assert_eq!(retry_after(&breaker, later), None, "failures are counted anew");
    }

    #[test]
    fn each_failed_trial_doubles_the_pause_up_to_a_bound() {
        let mut now = Instant::now();
        let breaker = opened(now);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            now += retry_after(&breaker, now).unwrap();
            breaker.pass(now).unwrap().failed(now);
            pauses.push(retry_after(&breaker, now).unwrap().as_secs());
        }
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn a_trial_whose_caller_hung_up_makes_room_for_the_next() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + FIRST_PAUSE;
        drop(breaker.pass(later).unwrap());
        assert_eq!(retry_after(&breaker, later), None);
    }

    #[test]
    fn calls_from_before_tell_nothing_about_now() {
        let now = Instant::now();
        let breaker = Breaker::default();
        let slow: Vec<_> = (0..FAILURES).map(|_| breaker.pass(now).unwrap()).collect();
        let old_success = breaker.pass(now).unwrap();
        for _ in 0..FAILURES {
            breaker.pass(now).unwrap().failed(now);
        }
        old_success.succeeded();
        assert_eq!(
            retry_after(&breaker, now),
            Some(FIRST_PAUSE),
            "it answered before it went down"
        );
        for call in slow {
            call.failed(now + Duration::from_millis(500));
        }
        assert_eq!(
            retry_after(&breaker, now),
            Some(FIRST_PAUSE),
            "nor is the pause made longer"
        );
    }
}
