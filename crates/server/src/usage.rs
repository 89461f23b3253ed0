//! Recording usage: in memory at each use, in the database in one batch at most every ten seconds.
//!
//! A token must not cost a write, so what a kill takes with it is at most ten seconds of last-used times and counts; the
//! operators' guide says so.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_core::Timestamp;
use countersign_core::ids::{ClientId, ProjectId};
use countersign_core::usage::{MinuteCount, SecretUse, UsageBatch};

/// How often a batch is written.
pub const FLUSH_EVERY: Duration = Duration::from_secs(10);

/// Secrets in one batch; when so many were used, the batch is written early.
const BATCH_MAX: usize = 20_000;
/// Secrets in memory while a batch cannot be written; the last use of others is not noted, so memory stays bounded.
const PENDING_MAX: usize = 2 * BATCH_MAX;
/// Minutes of a project that are kept while they cannot be written.
const MINUTES_MAX: usize = 24 * 60;

/// Collects usage until it is written.
pub struct UsageRecorder {
    pending: Mutex<Pending>,
    full: tokio::sync::Notify,
}

#[derive(Default)]
struct Pending {
    projects: HashMap<ProjectId, PendingProject>,
    /// Secrets in all projects.
    secrets: usize,
    project_secrets: HashMap<String, Timestamp>,
    operators: HashMap<String, Timestamp>,
    credentials: HashMap<String, Timestamp>,
}

#[derive(Default)]
struct PendingProject {
    minutes: BTreeMap<i64, MinuteCount>,
    /// By client and number of its secret.
    secrets: HashMap<(ClientId, i64), SecretUse>,
}

/// One use of a client's secret for a token.
pub struct Use<'a> {
    /// The client's project.
    pub project_id: &'a ProjectId,
    /// The client.
    pub client_id: &'a ClientId,
    /// Which of its secrets.
    pub secret_number: i64,
    /// From where.
    pub address: IpAddr,
    /// With what.
    pub user_agent: Cow<'a, str>,
}

impl Default for UsageRecorder {
    fn default() -> Self {
        Self {
            pending: Mutex::default(),
            full: tokio::sync::Notify::new(),
        }
    }
}

impl UsageRecorder {
    /// A token was issued.
    pub fn token_issued(&self, used: &Use<'_>, now: Timestamp) {
        let mut pending = self.lock();
        let has_room = pending.secrets < PENDING_MAX;
        let project = pending.project(used.project_id);
        project.minute(used.project_id, now).issued += 1;
        if project.used(used, now, has_room) {
            pending.secrets += 1;
            if pending.secrets == BATCH_MAX {
                self.full.notify_one();
            }
        }
    }

    /// A token was refused in a project that exists.
    pub fn token_refused(&self, project_id: &ProjectId, now: Timestamp) {
        let mut pending = self.lock();
        pending.project(project_id).minute(project_id, now).refused += 1;
    }

    /// A project secret authenticated a request.
    pub fn project_secret_used(&self, secret_id: &str, now: Timestamp) {
        self.lock().project_secrets.insert(secret_id.to_owned(), now);
    }

    /// An operator's key authenticated a request.
    pub fn operator_used(&self, operator_id: &str, now: Timestamp) {
        self.lock().operators.insert(operator_id.to_owned(), now);
    }

    /// A credential was sent to its provider.
    pub fn credential_used(&self, credential_id: &str, now: Timestamp) {
        self.lock().credentials.insert(credential_id.to_owned(), now);
    }

    /// Takes what is pending, to be written.
    pub fn take(&self) -> UsageBatch {
        let pending = std::mem::take(&mut *self.lock());
        let mut batch = UsageBatch {
            project_secrets: pending.project_secrets.into_iter().collect(),
            operators: pending.operators.into_iter().collect(),
            credentials: pending.credentials.into_iter().collect(),
            ..UsageBatch::default()
        };
        for project in pending.projects.into_values() {
            batch.minutes.extend(project.minutes.into_values());
            batch.secrets.extend(project.secrets.into_values());
        }
        batch
    }

    /// Takes back a batch that could not be written, to go with the next one. While the database is away for long, what
    /// has no room is lost: usage may not use up the memory of the token endpoint.
    pub fn put_back(&self, batch: UsageBatch) {
        let mut pending = self.lock();
        for old in batch.secrets {
            let room = pending.secrets < PENDING_MAX;
            match pending
                .project(&old.project_id)
                .place(&old.client_id, old.secret_number)
            {
                // What came since is newer; only the count is old and new.
                Entry::Occupied(mut newer) => newer.get_mut().tokens += old.tokens,
                Entry::Vacant(place) if room => {
                    place.insert(old);
                    pending.secrets += 1;
                }
                Entry::Vacant(_) => {}
            }
        }
        for old in batch.minutes {
            let project = pending.project(&old.project_id);
            if project.minutes.len() >= MINUTES_MAX && !project.minutes.contains_key(&old.minute) {
                continue;
            }
            let count = project.count(&old.project_id, old.minute);
            count.issued += old.issued;
            count.refused += old.refused;
        }
        for (id, at) in batch.project_secrets {
            pending.project_secrets.entry(id).or_insert(at);
        }
        for (id, at) in batch.operators {
            pending.operators.entry(id).or_insert(at);
        }
        for (id, at) in batch.credentials {
            pending.credentials.entry(id).or_insert(at);
        }
    }

    /// Waits until a batch should be written.
    pub async fn due(&self) {
        let _early = tokio::time::timeout(FLUSH_EVERY, self.full.notified()).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn project(&mut self, id: &ProjectId) -> &mut PendingProject {
        self.projects.entry(id.clone()).or_default()
    }
}

impl PendingProject {
    fn minute(&mut self, id: &ProjectId, now: Timestamp) -> &mut MinuteCount {
        self.count(id, now.as_second().div_euclid(60))
    }

    fn count(&mut self, id: &ProjectId, minute: i64) -> &mut MinuteCount {
        self.minutes.entry(minute).or_insert_with(|| MinuteCount {
            project_id: id.clone(),
            minute,
            issued: 0,
            refused: 0,
        })
    }

    fn place(&mut self, client_id: &ClientId, secret_number: i64) -> Entry<'_, (ClientId, i64), SecretUse> {
        self.secrets.entry((client_id.clone(), secret_number))
    }

    /// Whether it is the first use of this secret in the batch, and noted.
    fn used(&mut self, used: &Use<'_>, now: Timestamp, has_room: bool) -> bool {
        match self.place(used.client_id, used.secret_number) {
            Entry::Vacant(_) if !has_room => false,
            Entry::Vacant(place) => {
                place.insert(SecretUse {
                    project_id: used.project_id.clone(),
                    client_id: used.client_id.clone(),
                    secret_number: used.secret_number,
                    last_used_at: now,
                    address: used.address,
                    user_agent: used.user_agent.to_string(),
                    tokens: 1,
                });
                true
            }
            Entry::Occupied(place) => {
                let secret = place.into_mut();
                secret.tokens += 1;
                secret.last_used_at = now;
                secret.address = used.address;
                if secret.user_agent != used.user_agent {
                    secret.user_agent = used.user_agent.to_string();
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_add_up_to_one_row_a_secret_and_one_a_minute() {
        let recorder = UsageRecorder::default();
        let (project_id, client_id) = ("project-test-1".parse().unwrap(), "c".parse().unwrap());
        let used = |secret_number, last: u8| Use {
            project_id: &project_id,
            client_id: &client_id,
            secret_number,
            address: IpAddr::from([192, 0, 2, last]),
            user_agent: format!("agent/{last}").into(),
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        recorder.token_issued(&used(1, 1), at(10));
        recorder.token_issued(&used(1, 2), at(11));
        recorder.token_issued(&used(2, 3), at(70));
        recorder.token_refused(&project_id, at(71));
        let mut batch = recorder.take();
        batch.secrets.sort_by_key(|used| used.secret_number);
        let seen: Vec<_> = batch
            .secrets
            .iter()
            .map(|s| (s.tokens, s.address.to_string(), s.last_used_at))
            .collect();
        assert_eq!(
            seen,
            [
                (2, "192.0.2.2".to_owned(), at(11)),
                (1, "192.0.2.3".to_owned(), at(70))
            ]
        );
        batch.minutes.sort_by_key(|count| count.minute);
        let counts: Vec<_> = batch
            .minutes
            .iter()
            .map(|m| (m.minute, m.issued, m.refused))
            .collect();
        assert_eq!(counts, [(0, 2, 0), (1, 1, 1)]);
        assert!(recorder.take().is_empty());
    }

    #[test]
    fn what_cannot_be_written_for_long_stays_bounded() {
        let recorder = UsageRecorder::default();
        let project_id: ProjectId = "project-test-1".parse().unwrap();
        let note = |first: usize, count: usize| {
            for number in first..first + count {
                let client_id = format!("c{number}").parse().unwrap();
                let used = Use {
                    project_id: &project_id,
                    client_id: &client_id,
                    secret_number: 1,
                    address: IpAddr::from([192, 0, 2, 1]),
                    user_agent: "".into(),
                };
                recorder.token_issued(&used, Timestamp::from_second(number as i64 * 60).unwrap());
            }
        };
        note(0, BATCH_MAX);
        let lost = recorder.take();
        note(BATCH_MAX, PENDING_MAX);
        recorder.put_back(lost);
        note(0, 10);
        let batch = recorder.take();
        assert_eq!(batch.secrets.len(), PENDING_MAX);
        recorder.put_back(UsageBatch {
            secrets: Vec::new(),
            ..batch
        });
        assert_eq!(recorder.take().minutes.len(), MINUTES_MAX);
        note(0, 1);
        assert_eq!(recorder.take().secrets.len(), 1, "there is room again");
    }

    #[test]
    fn a_batch_that_was_put_back_goes_with_the_next_one() {
        let recorder = UsageRecorder::default();
        let (project_id, client_id) = ("project-test-1".parse().unwrap(), "c".parse().unwrap());
        let used = |secret_number| Use {
            project_id: &project_id,
            client_id: &client_id,
            secret_number,
            address: IpAddr::from([192, 0, 2, 1]),
            user_agent: "".into(),
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        recorder.token_issued(&used(1), at(10));
        recorder.token_issued(&used(2), at(11));
        recorder.operator_used("o", at(12));
        let lost = recorder.take();
        recorder.token_issued(&used(1), at(20));
        recorder.operator_used("o", at(21));
        recorder.put_back(lost);
        let mut batch = recorder.take();
        batch.secrets.sort_by_key(|used| used.secret_number);
        let seen: Vec<_> = batch.secrets.iter().map(|s| (s.tokens, s.last_used_at)).collect();
        assert_eq!(seen, [(2, at(20)), (1, at(11))]);
        assert_eq!(batch.minutes.iter().map(|m| m.issued).collect::<Vec<_>>(), [3]);
        assert_eq!(batch.operators, [("o".to_owned(), at(21))]);
    }
}
