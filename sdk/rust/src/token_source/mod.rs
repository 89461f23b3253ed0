//! Getting tokens.

mod access_token;
mod builder;
mod endpoint;
mod error;
mod retry;
mod secret;
mod words;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use self::access_token::AccessToken;
pub use self::builder::{ATTEMPT_TIMEOUT, TOTAL_TIMEOUT, TokenSourceBuilder};
use self::endpoint::Endpoint;
pub use self::error::TokenError;
use self::retry::{Patience, ask_patiently};
use crate::ConfigError;
use crate::chance::{Chance, part_of};
use crate::http::LONGEST_RETRY_AFTER;
use crate::single_flight::{Flight, SingleFlight};

/// A token is renewed after a part of its life between these two, drawn anew for each: services started together do not renew
/// together. What is left is for a server that is away.
const RENEWED_AFTER: (f64, f64) = (0.75, 0.9);
/// A token that is valid for less than this, or than a quarter of its life, is not given out without a try to renew it: it has to
/// reach the other side, and be judged there by another clock.
const LEAST_LEFT: Duration = Duration::from_secs(10);
/// For how long a token that was got in place of a forgotten one is not forgotten itself: a service that refuses everything must
/// not become a flood at the token endpoint.
const KEPT_FOR: Duration = Duration::from_secs(10);
/// For how long at least an error is told again without asking.
const ERROR_STANDS_FOR: Duration = Duration::from_secs(1);
/// After a renewal that failed the server is left alone for up to this long, while the old token does.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(15);
/// The least part of that pause that jitter leaves.
const LEAST_PAUSE: f64 = 0.5;

/// Gets a token with a client's id and secret, keeps it, and renews it in time.
///
/// A clone shares everything with the original; make one per client and set of scopes. [`TokenSourceBuilder`] says what can be
/// set.
///
/// A token is renewed once for all who ask, in the background, after 75 to 90 % of its life. While that fails, the old one goes on
/// being given out until it expires. Network errors, 429 and 5xx are tried again, with pauses that double, and `Retry-After` is
/// heeded; any other refusal is told at once. What went wrong stands for a second, or for as long as the server asked to be left
/// alone (a minute at most): a loop around a wrong secret does not become a flood.
#[derive(Clone)]
pub struct TokenSource {
    inner: Arc<Inner>,
}

struct Inner {
    endpoint: Endpoint,
    patience: Patience,
    chance: Arc<dyn Chance>,
    renewals: SingleFlight<Result<AccessToken, TokenError>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// After a failure: until when nothing is renewed that is still valid.
    pause_until: Option<Instant>,
    /// The last failure, and until when it is told again without asking.
    failure: Option<(TokenError, Instant)>,
    /// Whether the next token comes in place of a forgotten one.
    replaces_forgotten: bool,
}

#[derive(Clone)]
struct Held {
    token: AccessToken,
    renew_at: Instant,
    least_left: Duration,
    /// Until when it cannot be forgotten.
    kept_until: Option<Instant>,
}

impl TokenSource {
    /// Begins one; [`TokenSourceBuilder`] goes on.
    pub fn builder() -> TokenSourceBuilder {
        TokenSourceBuilder::default()
    }

    /// The token source that the environment describes: `COUNTERSIGN_URL`, `COUNTERSIGN_PROJECT_ID`, `COUNTERSIGN_CLIENT_ID` and
    /// `COUNTERSIGN_CLIENT_SECRET`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the name of the first variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::builder().from_env().build()
    }

    fn new(endpoint: Endpoint, patience: Patience, chance: Arc<dyn Chance>) -> Self {
        Self {
            inner: Arc::new(Inner {
                endpoint,
                patience,
                chance,
                renewals: SingleFlight::default(),
                state: Mutex::default(),
            }),
        }
    }

    /// A valid token: the one at hand, or a new one.
    ///
    /// Dropping this harms nothing; what it began goes on for the others.
    ///
    /// # Errors
    ///
    /// [`TokenError`] when there is none and none can be had.
    pub async fn token(&self) -> Result<AccessToken, TokenError> {
        let held = self.inner.state().held.clone();
        let now = Instant::now();
        if let Some(held) = &held
            && held.is_good_for(held.least_left, now)
        {
            if now >= held.renew_at {
                self.renew(Some(held));
            }
            return Ok(held.token.clone());
        }
        let renewed = match self.renew(held.as_ref()) {
            Some(renewal) => renewal.result().await,
            // Somebody was faster, or it failed a moment ago.
            None => self.inner.state().settled(Instant::now()),
        };
        match (renewed, held) {
            (Some(Ok(token)), _) => Ok(token),
            // A short life is better than none.
            (_, Some(held)) if held.is_good_for(Duration::ZERO, Instant::now()) => Ok(held.token),
            (Some(Err(error)), _) => Err(error),
            (None, _) => Err(TokenError::NoRuntime),
        }
    }

    /// Forgets a token that somebody refused; the next one is a new one. When it is no longer the one at hand, because another
    /// caller was quicker, nothing is forgotten. Neither is a token that was itself got in place of a forgotten one less than 10
    /// seconds ago: a service that refuses everything does not become a flood at the token endpoint.
    pub fn forget(&self, token: &AccessToken) {
        let mut state = self.inner.state();
        let now = Instant::now();
        let forgotten = state
            .held
            .take_if(|held| held.token.is(token) && held.kept_until.is_none_or(|until| now >= until));
        state.replaces_forgotten |= forgotten.is_some();
    }

    /// Begins a renewal or joins the one under way. `None` when `old` is no longer the one at hand, or when the last renewal failed
    /// a moment ago.
    fn renew(&self, old: Option<&Held>) -> Option<Flight<Result<AccessToken, TokenError>>> {
        self.inner.renewals.join_or(|| {
            let state = self.inner.state();
            let now = Instant::now();
            let held = state.held.as_ref();
            let is_settled = match held.filter(|held| held.is_good_for(Duration::ZERO, now)) {
                Some(held) => {
                    let is_another = old.is_none_or(|old| !held.token.is(&old.token));
                    is_another || state.pause_until.is_some_and(|until| now < until)
                }
                None => state.standing_failure(now).is_some(),
            };
            if is_settled {
                return None;
            }
            let inner = self.inner.clone();
            Some(async move { inner.fetch().await })
        })
    }

    #[cfg(test)]
    fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }
}

impl Inner {
    async fn fetch(&self) -> Result<AccessToken, TokenError> {
        let answer = ask_patiently(&self.endpoint, self.patience, &*self.chance).await;
        let mut state = self.state();
        match answer {
            Ok(issued) => {
                let (earliest, latest) = RENEWED_AFTER;
                let after = part_of(issued.lifetime.mul_f64(latest), earliest / latest, &*self.chance);
                let now = Instant::now();
                *state = State {
                    held: Some(Held {
                        token: issued.token.clone(),
                        renew_at: issued.asked_at + after,
                        least_left: LEAST_LEFT.min(issued.lifetime / 4),
                        kept_until: state.replaces_forgotten.then_some(now + KEPT_FOR),
                    }),
                    ..State::default()
                };
                Ok(issued.token)
            }
            Err(error) => {
                let pause = part_of(PAUSE_AFTER_FAILURE, LEAST_PAUSE, &*self.chance);
                let now = Instant::now();
                state.pause_until = Some(now + pause);
                let wanted = match &error {
                    TokenError::Unavailable { retry_after, .. } => retry_after.unwrap_or_default(),
                    _ => Duration::ZERO,
                };
                let stands_for = wanted.clamp(ERROR_STANDS_FOR, LONGEST_RETRY_AFTER);
                state.failure = Some((error.clone(), now + stands_for));
                Err(error)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; and if something did, the state would still be sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The token at hand if it is valid, or else the failure that is told again.
    fn settled(&self, now: Instant) -> Option<Result<AccessToken, TokenError>> {
        let held = self.held.as_ref();
        held.filter(|held| held.is_good_for(Duration::ZERO, now))
            .map(|held| Ok(held.token.clone()))
            .or_else(|| self.standing_failure(now).cloned().map(Err))
    }

    fn standing_failure(&self, now: Instant) -> Option<&TokenError> {
        let (failure, until) = self.failure.as_ref()?;
        (now < *until).then_some(failure)
    }
}

impl Held {
    fn is_good_for(&self, time: Duration, now: Instant) -> bool {
        self.token.expires_at().saturating_duration_since(now) > time
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource")
            .field("url", &self.inner.endpoint.url.as_str())
            .field("client_id", &self.inner.endpoint.client_id)
            .field("scopes", &self.inner.endpoint.scopes)
            .field("resources", &self.inner.endpoint.resources)
            .finish_non_exhaustive()
    }
}
