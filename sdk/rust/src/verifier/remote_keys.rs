//! Keys fetched from an issuer, and kept.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use countersign_token::JwkSet;
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::keys::Held;
use crate::chance::{Chance, part_of};
use crate::single_flight::{Flight, SingleFlight};
use crate::{KeysProblem, Refusal, http};

/// The most bytes of a JWK set. A key with its certificate has some 2,000.
const MAX_SET_BYTES: usize = 256 * 1024;
/// After the first failure the issuer is left alone for about this long, after each further one for twice as long ...
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// ... up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The least part of a pause that jitter leaves, so that services which lost their issuer together do not return together.
const LEAST_PAUSE: f64 = 0.5;
/// The same for the time between two refreshes.
const LEAST_REFRESH: f64 = 0.9;
/// After so many times of [`Pace::refresh_every`] without a refresh, the next token waits for one.
const QUIET: u32 = 2;

/// When keys are fetched.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pub(super) refresh_every: Duration,
    pub(super) usable_for: Duration,
    pub(super) unknown_key_cool_down: Duration,
    pub(super) timeout: Duration,
}

/// The keys of one issuer.
pub(super) struct RemoteKeys {
    http: Client,
    url: Url,
    pace: Pace,
    chance: Arc<dyn Chance>,
    current: ArcSwapOption<Held>,
    fetches: SingleFlight<()>,
    plan: Mutex<Plan>,
    /// Since the last success.
    failures: AtomicU32,
    /// From when on a refresh is due, in milliseconds since `origin`. An atomic, because every token looks at it.
    due: AtomicU64,
    origin: Instant,
}

/// When the issuer may be asked again, and why.
struct Plan {
    not_before: Instant,
    unknown_key_not_before: Instant,
    problem: KeysProblem,
}

/// Why there are no new keys, and for how long the issuer asked to be left alone.
struct Failure {
    problem: KeysProblem,
    retry_after: Option<Duration>,
}

impl From<KeysProblem> for Failure {
    fn from(problem: KeysProblem) -> Self {
        Self {
            problem,
            retry_after: None,
        }
    }
}

/// Why keys are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// There are none, or they are getting old.
    Age,
    /// A token names a key that is not there.
    UnknownKey,
}

impl RemoteKeys {
    pub(super) fn new(http: Client, url: Url, pace: Pace, chance: Arc<dyn Chance>) -> Self {
        let now = Instant::now();
        Self {
            http,
            url,
            pace,
            chance,
            current: ArcSwapOption::empty(),
            fetches: SingleFlight::default(),
            plan: Mutex::new(Plan {
                not_before: now,
                unknown_key_not_before: now,
                problem: KeysProblem::NoRuntime,
            }),
            failures: AtomicU32::default(),
            due: AtomicU64::default(),
            origin: now,
        }
    }

    /// Whether the keys at hand are of this serial and may be used now.
    pub(super) fn are_still(self: &Arc<Self>, serial: u64, now: Instant) -> bool {
        let current = self.current.load();
        current
            .as_ref()
            .is_some_and(|held| held.serial == serial && self.may_be_used(held, now))
    }

    /// Keys that may be used now without waiting.
    pub(super) fn at_hand(self: &Arc<Self>) -> Option<Arc<Held>> {
        self.current
            .load_full()
            .filter(|held| self.may_be_used(held, Instant::now()))
    }

    /// Keys that may be used now, fetched if there are none.
    pub(super) async fn get(self: &Arc<Self>) -> Result<Arc<Held>, Refusal> {
        if let Some(held) = self.at_hand() {
            return Ok(held);
        }
        self.fetch(Occasion::Age).await;
        let now = Instant::now();
        self.current
            .load_full()
            .filter(|held| self.is_young_enough(held, now))
            .ok_or_else(|| self.unavailable(now))
    }

    /// Keys newer than `held`, which were looked at since `since` and had not the key that a token names.
    pub(super) async fn newer_than(
        self: &Arc<Self>,
        held: &Held,
        since: Instant,
    ) -> Result<Option<Arc<Held>>, Refusal> {
        if held.fetched_at >= since {
            return Ok(None); // They were fetched for this very token.
        }
        let newer = || {
            self.current
                .load_full()
                .filter(|current| current.fetched_at > held.fetched_at)
        };
        if let Some(newer) = newer() {
            return Ok(Some(newer));
        }
        self.fetch(Occasion::UnknownKey).await;
        match newer() {
            Some(newer) => Ok(Some(newer)),
            // Nobody can tell whether the issuer has such a key.
            None if self.failures.load(Ordering::Relaxed) > 0 => Err(self.unavailable(Instant::now())),
            None => Ok(None),
        }
    }

    /// Whether keys may be used without waiting. When a refresh is due, it begins in the background.
    fn may_be_used(self: &Arc<Self>, held: &Held, now: Instant) -> bool {
        if !self.is_young_enough(held, now) {
            return false;
        }
        let age = now.saturating_duration_since(held.fetched_at);
        // While the issuer is away, nobody waits for it: what is at hand is used, and it is asked in the background.
        if age > self.pace.refresh_every.saturating_mul(QUIET) && self.failures.load(Ordering::Relaxed) == 0 {
            return false;
        }
        if self.milliseconds(now) >= self.due.load(Ordering::Relaxed) {
            self.begin(Occasion::Age);
        }
        true
    }

    fn is_young_enough(&self, held: &Held, now: Instant) -> bool {
        now.saturating_duration_since(held.fetched_at) <= self.pace.usable_for
    }

    async fn fetch(self: &Arc<Self>, occasion: Occasion) {
        if let Some(flight) = self.begin(occasion) {
            // Broken off, it has changed nothing, and that is what the caller sees.
            let _ = flight.result().await;
        }
    }

    /// Begins a fetch, or joins the one under way. `None` when the issuer is to be left alone.
    fn begin(self: &Arc<Self>, occasion: Occasion) -> Option<Flight<()>> {
        self.fetches.join_or(|| {
            let now = Instant::now();
            let mut plan = self.plan();
            let is_unknown_key = occasion == Occasion::UnknownKey;
            if now < plan.not_before || is_unknown_key && now < plan.unknown_key_not_before {
                return None;
            }
            if is_unknown_key {
                plan.unknown_key_not_before = now + self.pace.unknown_key_cool_down;
            }
            // Should this fetch be broken off without a word, the next one begins after its time is up.
            self.due
                .store(self.milliseconds(now + self.pace.timeout), Ordering::Relaxed);
            let keys = self.clone();
            Some(async move { keys.fetch_and_keep(now).await })
        })
    }

    async fn fetch_and_keep(&self, began: Instant) {
        let answer = self.ask().await;
        let now = Instant::now();
        let mut plan = self.plan();
        let pause = match answer {
            Ok(set) => {
                let held = match self.current.load_full() {
                    Some(current) => current.followed_by(set, began),
                    None => Held::first(set, began),
                };
                self.current.store(Some(Arc::new(held)));
                self.failures.store(0, Ordering::Relaxed);
                plan.not_before = now;
                part_of(self.pace.refresh_every, LEAST_REFRESH, &*self.chance)
            }
            Err(Failure { problem, retry_after }) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed);
                let whole = FIRST_PAUSE
                    .saturating_mul(1 << failures.min(16))
                    .min(LONGEST_PAUSE);
                let wanted = retry_after.unwrap_or_default().min(http::LONGEST_RETRY_AFTER);
                let pause = part_of(whole, LEAST_PAUSE, &*self.chance).max(wanted);
                plan.not_before = now + pause;
                plan.problem = problem;
                pause
            }
        };
        self.due.store(self.milliseconds(now + pause), Ordering::Relaxed);
    }

    async fn ask(&self) -> Result<JwkSet, Failure> {
        let request = self
            .http
            .get(self.url.clone())
            .header(
                ACCEPT,
                HeaderValue::from_static("application/jwk-set+json, application/json"),
            )
            .timeout(self.pace.timeout);
        let response = request.send().await.map_err(problem)?;
        if *response.url() != self.url {
            return Err(KeysProblem::Redirected.into());
        }
        if response.status() != StatusCode::OK {
            return Err(Failure {
                retry_after: http::retry_after(response.headers()),
                problem: KeysProblem::Status {
                    status: response.status().as_u16(),
                },
            });
        }
        let body = http::body(response, MAX_SET_BYTES)
            .await
            .map_err(problem)?
            .ok_or(KeysProblem::TooLong)?;
        JwkSet::from_json(&body).map_err(|_| KeysProblem::NotAJwkSet.into())
    }

    fn unavailable(&self, now: Instant) -> Refusal {
        let plan = self.plan();
        let problem = if Handle::try_current().is_err() {
            KeysProblem::NoRuntime
        } else if self.failures.load(Ordering::Relaxed) == 0 {
            KeysProblem::TooOld
        } else {
            plan.problem.clone()
        };
        Refusal::KeysUnavailable {
            problem,
            retry_after: plan.not_before.saturating_duration_since(now),
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        // Nothing panics while it is held; and if something did, the plan would still be sound.
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn milliseconds(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin).as_millis()).unwrap_or(u64::MAX)
    }
}

fn problem(error: reqwest::Error) -> KeysProblem {
    if error.is_timeout() {
        KeysProblem::TimedOut
    } else {
        KeysProblem::Unreachable {
            detail: http::problem(error),
        }
    }
}
