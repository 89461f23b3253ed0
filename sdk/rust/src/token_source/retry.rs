//! Asking again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::TokenError;
use super::endpoint::{Endpoint, Issued};
use crate::chance::{Chance, part_of};

/// After the first failure it waits about this long, after each further one twice as long ...
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// ... up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The least part of a pause that jitter leaves.
const LEAST_PAUSE: f64 = 0.5;
/// A wait that the server asked for is drawn out by up to this part, and never cut short: those who were sent away together do
/// not come back together.
const DRAWN_OUT: f64 = 0.2;

/// How long one request, and all requests for one token together, may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) attempt: Duration,
    pub(super) all: Duration,
}

/// Asks until there is a token, a refusal, or no time left. A wait that would end too late is not begun: the error is told at
/// once.
pub(super) async fn ask_patiently(
    endpoint: &Endpoint,
    patience: Patience,
    chance: &dyn Chance,
) -> Result<Issued, TokenError> {
    let deadline = Instant::now() + patience.all;
    let mut failures = 0;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let error = match endpoint.ask(patience.attempt.min(left)).await {
            Err(error) if error.is_transient() => error,
            settled => return settled,
        };
        let pause = pause(&error, failures, chance);
        if Instant::now() + pause >= deadline {
            return Err(error);
        }
        sleep(pause).await;
        failures += 1;
    }
}

/// How long to wait after `failures` earlier failures and this one.
fn pause(error: &TokenError, failures: u32, chance: &dyn Chance) -> Duration {
    let whole = FIRST_PAUSE
        .saturating_mul(1 << failures.min(16))
        .min(LONGEST_PAUSE);
    let own = part_of(whole, LEAST_PAUSE, chance);
    match error {
        TokenError::Unavailable {
            retry_after: Some(wanted),
            ..
        } => {
            // Anything longer than a day is longer than all patience; so the sum cannot overflow.
            let wanted = (*wanted).min(Duration::from_secs(24 * 3600));
            own.max(wanted + part_of(wanted.mul_f64(DRAWN_OUT), 0.0, chance))
        }
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(f64);

    impl Chance for Fixed {
        fn fraction(&self) -> f64 {
            self.0
        }
    }

    fn unavailable(seconds: Option<u64>) -> TokenError {
        TokenError::Unavailable {
            code: "http_503".into(),
            status: 503,
            retry_after: seconds.map(Duration::from_secs),
            request_id: None,
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let millis =
            |failures, fraction| pause(&TokenError::TimedOut, failures, &Fixed(fraction)).as_millis();
        assert_eq!((millis(0, 0.0), millis(0, 1.0)), (125, 250));
        assert_eq!((millis(1, 0.0), millis(1, 1.0)), (250, 500));
        assert_eq!((millis(9, 0.0), millis(9, 1.0)), (2_500, 5_000));
        assert_eq!(millis(u32::MAX, 1.0), 5_000);
    }

    #[test]
    fn a_wait_that_was_asked_for_is_never_cut_short() {
        for fraction in [0.0, 0.5, 0.999] {
            let pause = pause(&unavailable(Some(10)), 0, &Fixed(fraction));
            assert!(
                (Duration::from_secs(10)..=Duration::from_secs(12)).contains(&pause),
                "{pause:?}"
            );
        }
        assert_eq!(
            pause(&unavailable(Some(0)), 3, &Fixed(1.0)),
            Duration::from_secs(2),
            "nobody can have us hammer it"
        );
        assert_eq!(
            pause(&unavailable(Some(u64::MAX)), 0, &Fixed(0.0)),
            Duration::from_secs(24 * 3600)
        );
    }
}
