//! The tokens of upstreams, each fetched once for all calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{
    AccessToken, IssuedToken, OauthClientCredentials, TokenAnswer, TokenFailure, TokenRequest, read_answer,
};

/// A token that the upstream refused is given up at most this often: an upstream that answers 401 for a reason of its own must not make
/// the gateway ask for a token with each call.
const EVICTION_INTERVAL: Duration = Duration::from_secs(10);
/// How long nobody asks again after a failure; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Asks token endpoints. It follows no redirect, since the secret is for this address alone, reads at most [`super::MAX_ANSWER_BYTES`] of an
/// answer, and gives up after a time.
#[async_trait]
pub trait TokenEndpoint: Send + Sync + 'static {
    /// Sends the request once.
    async fn ask(&self, request: TokenRequest) -> Result<TokenAnswer, TokenFailure>;
}

/// Which token. What it does not hold, nobody else's token can be mistaken for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TokenKey {
    /// The credential's id.
    pub credential_id: String,
    /// The credential's version.
    pub version: u64,
    /// The scopes asked for.
    pub scope: Option<String>,
    /// The audience asked for.
    pub audience: Option<String>,
}

/// Chance, so that many gateways that got their tokens together do not renew them together: 0 renews after 75 % of a token's life,
/// `u16::MAX` after 80 %.
#[derive(Clone, Copy, Default, Debug)]
pub struct Jitter(pub u16);

/// Tokens by their keys. Renewed early, while the old one still serves; asked for by one caller for all; after a failure not asked for again
/// at once.
#[derive(Default)]
pub struct TokenCache {
    entries: Mutex<HashMap<TokenKey, Arc<Entry>>>,
}

type Outcome = Result<Arc<AccessToken>, TokenFailure>;

#[derive(Default)]
struct Entry {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// The result of the request under way.
    under_way: Option<watch::Receiver<Option<Outcome>>>,
    failed: Option<Failed>,
    evicted_at: Option<Instant>,
}

struct Held {
    token: Arc<AccessToken>,
    renew_at: Instant,
    expires_at: Instant,
}

struct Failed {
    why: TokenFailure,
    pause: Duration,
    until: Instant,
}

impl TokenCache {
    /// A token, from memory if it can be.
    ///
    /// The request for one is a task of its own: a caller that goes away does not stop it, so nobody can make it begin again and again.
    ///
    /// # Errors
    ///
    /// Why there is none; for a while also without asking, after a failure.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub async fn token(
        &self,
        key: &TokenKey,
        credential: &OauthClientCredentials,
        endpoint: &Arc<dyn TokenEndpoint>,
        jitter: Jitter,
    ) -> Outcome {
        let entry = self.entry(key);
        let mut result = {
            let mut state = entry.lock();
            let now = Instant::now();
            let live = state.held.as_ref().filter(|held| now < held.expires_at);
            let live = live.map(|held| (held.token.clone(), now >= held.renew_at));
            let pause = state.failed.as_ref().filter(|failed| now < failed.until);
            match (live, pause) {
                (Some((token, false)), _) | (Some((token, true)), Some(_)) => return Ok(token),
                (None, Some(failed)) => return Err(failed.why.clone()),
                (Some((token, true)), None) => {
                    entry.ask(&mut state, credential, endpoint, jitter);
                    return Ok(token);
                }
                (None, None) => entry.ask(&mut state, credential, endpoint, jitter),
            }
        };
        let outcome = result.wait_for(Option::is_some).await;
        outcome.map_or(Err(TokenFailure::BrokenOff), |outcome| {
            outcome.clone().unwrap_or(Err(TokenFailure::BrokenOff))
        })
    }

    /// Gives up a token that the upstream refused with 401. Whether trying again with another token makes sense: it was given up now, or
    /// another one took its place already.
    #[must_use]
    pub fn evict(&self, key: &TokenKey, refused: &Arc<AccessToken>) -> bool {
        let entry = self.entry(key);
        let mut state = entry.lock();
        let is_held = |held: &Held| Arc::ptr_eq(&held.token, refused);
        if !state.held.as_ref().is_some_and(is_held) {
            return true;
        }
        let now = Instant::now();
        if state.evicted_at.is_some_and(|at| now < at + EVICTION_INTERVAL) {
            return false;
        }
        state.held = None;
        state.evicted_at = Some(now);
        true
    }

    /// Drops everything of a credential, as when it is revoked.
    pub fn forget(&self, credential_id: &str) {
        self.lock().retain(|key, _| key.credential_id != credential_id);
    }

    /// The entry, made if need be. What older versions of the credential left goes then: so there are never more entries than credentials.
    fn entry(&self, key: &TokenKey) -> Arc<Entry> {
        let mut entries = self.lock();
        if let Some(entry) = entries.get(key) {
            return entry.clone();
        }
        entries.retain(|other, _| other.credential_id != key.credential_id || other.version >= key.version);
        entries.entry(key.clone()).or_default().clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenKey, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the request under way, or begins one.
    fn ask(
        self: &Arc<Self>,
        state: &mut State,
        credential: &OauthClientCredentials,
        endpoint: &Arc<dyn TokenEndpoint>,
        jitter: Jitter,
    ) -> watch::Receiver<Option<Outcome>> {
        // Without its sender it broke off, by a panic or with its runtime, and holds nobody up.
        let in_the_air = |result: &&watch::Receiver<_>| result.has_changed().is_ok();
        if let Some(under_way) = state.under_way.as_ref().filter(in_the_air) {
            return under_way.clone();
        }
        let (tell, result) = watch::channel(None);
        state.under_way = Some(result.clone());
        let (entry, endpoint, request) = (self.clone(), endpoint.clone(), credential.token_request());
        tokio::spawn(async move {
            let asked_at = Instant::now();
            let answer = endpoint.ask(request).await;
            let issued = answer.and_then(|answer| read_answer(&answer));
            let outcome = entry.lock().settle(issued, asked_at, jitter);
            // Nobody may be waiting.
            let _ = tell.send(Some(outcome));
        });
        result
    }
}

impl State {
    fn settle(
        &mut self,
        issued: Result<IssuedToken, TokenFailure>,
        asked_at: Instant,
        jitter: Jitter,
    ) -> Outcome {
        self.under_way = None;
        match issued {
            Ok(IssuedToken { token, life }) => {
                let part = 0.75 + 0.05 * f64::from(jitter.0) / f64::from(u16::MAX);
                let token = Arc::new(token);
                self.failed = None;
                self.held = Some(Held {
                    token: token.clone(),
                    // From when it was asked for: the answer took a part of its life.
                    renew_at: asked_at + life.mul_f64(part),
                    expires_at: asked_at + life,
                });
                Ok(token)
            }
            Err(why) => {
                let pause = self.failed.take().map_or(FIRST_PAUSE, |failed| failed.pause * 2);
                let pause = pause.min(LONGEST_PAUSE);
                self.failed = Some(Failed {
                    why: why.clone(),
                    pause,
                    until: Instant::now() + pause,
                });
                Err(why)
            }
        }
    }
}

#[cfg(test)]
mod tests;
