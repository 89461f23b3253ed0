//! The dual run: a client whose secret only its old service knows logs in here, and the old service is asked.
//!
//! A yes is worth a digest of our own (`oauth/upgrade.rs`), and then nobody is asked again. Until then somebody may send us
//! guesses to have them tried elsewhere, so: one question at a time per client and few at all, so many a second per client,
//! and an answer is remembered for a minute.

mod ask;
mod service;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_core::client::Client;
use countersign_core::client_auth::Presented;
use countersign_core::old_service::OldServiceName;
use countersign_core::secret::StoredSecret;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::callers::busy;
use crate::problem::Problem;
use crate::secret_check::{MemoKey, Turns, owner};
use ask::{Verdict, ask, http_client};
pub use service::{OldService, may_carry_secrets};

/// Questions under way at the same time, to all old services together.
const QUESTIONS: usize = 16;
/// Longest wait for a place among them.
const PLACE_WITHIN: Duration = Duration::from_secs(3);
/// Questions about one client: a service that starts asks once, whoever guesses has to wait.
const QUESTIONS_PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();
/// Questions about one client that may come at once.
const QUESTIONS_AT_ONCE: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// How long an answer is remembered. A secret that is changed at the old service is believed here for so long.
const ANSWER_KEPT: Duration = Duration::from_secs(60);
/// Answers remembered. 48 bytes each and the cache's own; what is used least goes first.
const ANSWERS: usize = 10_000;
/// Longest secret that is passed on. No service gives out longer ones.
const SECRET_MAX_BYTES: usize = 1024;
/// When a login that could not be decided is worth another try.
const RETRY_AFTER_SECONDS: u64 = 5;

/// Asks old services about secrets.
pub struct DualRun(Arc<Parts>);

struct Parts {
    services: HashMap<OldServiceName, OldService>,
    http: Option<reqwest::Client>,
    turns: Turns,
    places: Semaphore,
    rates: DefaultKeyedRateLimiter<String>,
    answers: Cache<[u8; 32], (Instant, Verdict)>,
    memo_key: MemoKey,
}

/// Whether this secret is the one that the old service knows.
struct Question {
    owner: String,
    client_id: String,
    service: OldService,
    secret: SecretString,
    entry: [u8; 32],
}

impl DualRun {
    /// Asks these services and no others; `ca_file` is the one authority they are trusted by, when it is private.
    pub fn new(services: &[OldService], ca_file: &Path) -> anyhow::Result<Self> {
        let http = (!services.is_empty()).then(|| http_client(services, ca_file));
        let by_name = |service: &OldService| (service.name.clone(), service.clone());
        Ok(Self(Arc::new(Parts {
            services: services.iter().map(by_name).collect(),
            http: http.transpose()?,
            turns: Turns::default(),
            places: Semaphore::new(QUESTIONS),
            rates: RateLimiter::keyed(Quota::per_second(QUESTIONS_PER_SECOND).allow_burst(QUESTIONS_AT_ONCE)),
            answers: Cache::new(ANSWERS),
            memo_key: MemoKey::generate(),
        })))
    }

    /// Whether the configuration names this service.
    pub fn knows(&self, service: &OldServiceName) -> bool {
        self.0.services.contains_key(service)
    }

    /// Which of the client's secrets was presented, when only an old service can tell.
    pub async fn check(
        &self,
        presented: &Presented,
        client: &Client,
    ) -> Result<Option<StoredSecret>, Problem> {
        let secret = presented.secret();
        let Some((stored, service)) = client.known_elsewhere() else {
            return Ok(None);
        };
        if !(1..=SECRET_MAX_BYTES).contains(&secret.expose_secret().len()) {
            return Ok(None);
        }
        let Some(service) = self.0.services.get(service) else {
            return Err(undecided(service, "the configuration does not name it any more"));
        };
        let owner = owner(client);
        let question = Question {
            entry: self.0.memo_key.entry(&owner, stored, secret),
            owner,
            client_id: client.client_id.to_string(),
            service: service.clone(),
            secret: secret.clone(),
        };
        let verdict = match self.0.remembered(&question) {
            Some(verdict) => verdict,
            None => self.ask(question).await?,
        };
        Ok((verdict == Verdict::Accepted).then(|| stored.clone()))
    }

    /// Asked, a question goes on to its answer, and so the client's turn is taken until then, also when the caller has gone
    /// away: hanging up must not let the next guess in beside it. Who goes away while he waits for his turn gives it up.
    async fn ask(&self, question: Question) -> Result<Verdict, Problem> {
        let turn = self.0.turns.wait(&question.owner).await.map_err(|_| busy())?;
        let parts = self.0.clone();
        let asked = tokio::spawn(async move {
            let _until_answered = turn;
            parts.ask(&question).await
        });
        asked.await.map_err(|error| Problem::internal(&error))?
    }

    /// Gives back the memory of clients that nobody asks about.
    pub fn tidy(&self) {
        self.0.rates.retain_recent();
        self.0.rates.shrink_to_fit();
    }
}

impl Parts {
    async fn ask(&self, question: &Question) -> Result<Verdict, Problem> {
        let name = &question.service.name;
        // Whoever had the turn before may have asked the same.
        if let Some(verdict) = self.remembered(question) {
            return Ok(verdict);
        }
        if self.rates.check_key(&question.owner).is_err() {
            return Err(busy());
        }
        let place = timeout(PLACE_WITHIN, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else {
            return Err(undecided(name, "too many questions are waiting for it"));
        };
        let Some(http) = &self.http else {
            return Err(undecided(name, "there is no HTTP client"));
        };
        let verdict = ask(http, &question.service, &question.client_id, &question.secret)
            .await
            .map_err(|error| undecided(name, &error.to_string()))?;
        tracing::info!(service = %name, client_id = %question.client_id, ?verdict, "asked the old service");
        self.answers.insert(question.entry, (Instant::now(), verdict));
        Ok(verdict)
    }

    fn remembered(&self, question: &Question) -> Option<Verdict> {
        let (since, verdict) = self.answers.get(&question.entry)?;
        (since.elapsed() < ANSWER_KEPT).then_some(verdict)
    }
}

/// Neither right nor wrong. The caller is not told why; the log is.
fn undecided(service: &OldServiceName, why: &str) -> Problem {
    let message = "The secret cannot be checked at the moment.";
    Problem {
        cause: Some(format!("the old service {service}: {why}")),
        ..Problem::unavailable(message, RETRY_AFTER_SECONDS)
    }
}
