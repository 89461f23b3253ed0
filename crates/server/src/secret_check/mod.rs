//! Checking presented secrets: fast digests in place, slow ones in a bounded pool with a memo.
//!
//! A slow digest is a gift to an attacker if anybody may order one, so: few at a time, one per owner at a time, and none
//! at all for a secret that the memo knows to be right.

mod memo;
mod turns;

use std::collections::HashSet;
use std::sync::Arc;

use countersign_core::client::Client;
use countersign_core::client_auth::{Presented, SecretCheck};
use countersign_core::digest::Cost;
use countersign_core::ids::{ClientId, ProjectId};
use countersign_core::pepper::Peppers;
use countersign_core::secret::StoredSecret;
use quick_cache::sync::Cache;
use secrecy::SecretString;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use memo::MemoKey;
pub use turns::Turns;

/// Secrets that the memo remembers. 32 bytes each and the cache's own; what is used least goes first.
const MEMO_ENTRIES: usize = 100_000;

/// Checks secrets.
pub struct SecretChecker {
    peppers: Arc<Peppers>,
    slow: Arc<Semaphore>,
    turns: Turns,
    memo: Arc<Cache<[u8; 32], ()>>,
    upgrading: Arc<std::sync::Mutex<HashSet<SecretName>>>,
    memo_key: MemoKey,
}

/// A secret of a client.
pub type SecretName = (ProjectId, ClientId, i64);

/// A slow check was not made because too many are waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many slow checks are waiting")]
pub struct Busy;

impl SecretChecker {
    /// Computes at most `parallel` slow digests at a time.
    pub fn new(peppers: Arc<Peppers>, parallel: usize) -> Self {
        Self {
            peppers,
            slow: Arc::new(Semaphore::new(parallel.max(1))),
            turns: Turns::default(),
            memo: Arc::new(Cache::new(MEMO_ENTRIES)),
            upgrading: Arc::default(),
            memo_key: MemoKey::generate(),
        }
    }

    /// Which of the client's secrets was presented.
    pub async fn check_client(
        &self,
        presented: &Presented,
        client: &Client,
    ) -> Result<Option<StoredSecret>, Busy> {
        match presented.check(client, &self.peppers) {
            SecretCheck::Matches(stored) => Ok(Some(stored)),
            SecretCheck::Differs => Ok(None),
            SecretCheck::Undecided(left) => self.check_slow(&owner(client), presented.secret(), left).await,
        }
    }

    /// Which of an owner's secrets was presented.
    pub async fn check_any<'s>(
        &self,
        owner: &str,
        secret: &SecretString,
        stored: impl Iterator<Item = &'s StoredSecret>,
    ) -> Result<Option<StoredSecret>, Busy> {
        let (fast, slow): (Vec<_>, Vec<_>) = stored.partition(|stored| stored.digest.cost() == Cost::Fast);
        let matched: Vec<_> = fast
            .into_iter()
            .filter(|s| s.digest.matches(secret, &self.peppers))
            .collect();
        match matched.first() {
            Some(stored) => Ok(Some((*stored).clone())),
            None if slow.is_empty() => Ok(None),
            None => {
                self.check_slow(owner, secret, slow.into_iter().cloned().collect())
                    .await
            }
        }
    }

    /// Spends on an unknown id what a known one with a fast digest costs.
    pub fn check_nobody(&self, secret: &SecretString) {
        let nobody = countersign_core::digest::Digest::Keyed {
            pepper: self.peppers.newest().clone(),
            mac: [0; 32],
        };
        std::hint::black_box(nobody.matches(secret, &self.peppers));
    }

    /// A place in the bounded pool.
    pub async fn slow_permit(&self) -> Result<OwnedSemaphorePermit, Busy> {
        self.slow.clone().acquire_owned().await.map_err(|_| Busy)
    }

    /// Does slow work in the bounded pool. Begun, it goes on to its end, and so its place in the pool is taken until then,
    /// also when whoever ordered it has gone away.
    pub async fn slowly<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let permit = self.slow_permit().await?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| Busy)
    }

    /// The right to upgrade a secret's digest, until dropped; `None` while somebody else has it. A service that starts with
    /// many logins at once has its digest made anew once.
    pub fn upgrade(&self, secret: SecretName) -> Option<Upgrade> {
        let is_first = locked(&self.upgrading).insert(secret.clone());
        is_first.then(|| Upgrade {
            upgrading: self.upgrading.clone(),
            secret,
        })
    }

    async fn check_slow(
        &self,
        owner: &str,
        secret: &SecretString,
        candidates: Vec<StoredSecret>,
    ) -> Result<Option<StoredSecret>, Busy> {
        if let Some(known) = self.remembered(owner, secret, &candidates) {
            return Ok(Some(known));
        }
        let turn = self.turns.wait(owner).await?;
        // Whoever had the turn before may have answered the same question.
        if let Some(known) = self.remembered(owner, secret, &candidates) {
            return Ok(Some(known));
        }
        let (secret, peppers, key) = (secret.clone(), self.peppers.clone(), self.memo_key.clone());
        let (owner, memo) = (owner.to_owned(), self.memo.clone());
        self.slowly(move || {
            // The owner's turn ends with the work: a caller that hangs up must not let the next one in beside it.
            let _until_done = turn;
            let matched = candidates
                .into_iter()
                .find(|stored| stored.digest.matches(&secret, &peppers))?;
            memo.insert(key.entry(&owner, &matched, &secret), ());
            Some(matched)
        })
        .await
    }

    fn remembered(
        &self,
        owner: &str,
        secret: &SecretString,
        candidates: &[StoredSecret],
    ) -> Option<StoredSecret> {
        candidates
            .iter()
            .find(|stored| {
                self.memo
                    .contains_key(&self.memo_key.entry(owner, stored, secret))
            })
            .cloned()
    }
}

/// The right to upgrade one secret's digest.
pub struct Upgrade {
    upgrading: Arc<std::sync::Mutex<HashSet<SecretName>>>,
    secret: SecretName,
}

impl Drop for Upgrade {
    fn drop(&mut self) {
        locked(&self.upgrading).remove(&self.secret);
    }
}

/// The client as the owner of its secrets.
pub fn owner(client: &Client) -> String {
    format!("{}\0{}", client.project_id, client.client_id)
}

fn locked<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use countersign_core::Timestamp;
    use countersign_core::pepper::PepperId;
    use countersign_core::secret::NewSecret;

    use super::*;
    use crate::chance::chance;

    fn checker() -> SecretChecker {
        SecretChecker::new(Arc::new(Peppers::new(PepperId::from_stored("p"), &[1; 32])), 1)
    }

    fn weak(checker: &SecretChecker, text: &str) -> StoredSecret {
        NewSecret::imported(
            text.into(),
            1,
            Timestamp::UNIX_EPOCH,
            &checker.peppers,
            &mut chance(),
        )
        .unwrap()
        .stored
    }

    #[tokio::test]
    async fn a_slow_secret_is_computed_once_and_then_remembered() {
        let checker = checker();
        let stored = weak(&checker, "ardent-Mulberry/Quilt.92");
        let right = SecretString::from("ardent-Mulberry/Quilt.92");
        let found = checker.check_any("o", &right, [&stored].into_iter()).await;
        assert_eq!(found, Ok(Some(stored.clone())));
        assert!(
            checker
                .remembered("o", &right, std::slice::from_ref(&stored))
                .is_some()
        );
        assert!(
            checker
                .remembered("other owner", &right, std::slice::from_ref(&stored))
                .is_none()
        );
        let changed = weak(&checker, "ardent-Mulberry/Quilt.92");
        assert!(
            checker.remembered("o", &right, &[changed]).is_none(),
            "another salt is another digest"
        );
    }

    #[tokio::test]
    async fn a_wrong_slow_secret_is_not_remembered() {
        let checker = checker();
        let stored = weak(&checker, "ardent-Mulberry/Quilt.92");
        let wrong = SecretString::from("ardent-Mulberry/Quilt.93");
        assert_eq!(
            checker.check_any("o", &wrong, [&stored].into_iter()).await,
            Ok(None)
        );
        assert!(checker.remembered("o", &wrong, &[stored]).is_none());
    }

    #[tokio::test]
    async fn a_check_whose_caller_hung_up_keeps_its_turn_and_is_remembered() {
        let checker = checker();
        let stored = weak(&checker, "ardent-Mulberry/Quilt.92");
        let right = SecretString::from("ardent-Mulberry/Quilt.92");
        let check = checker.check_any("o", &right, [&stored].into_iter());
        let patience = std::time::Duration::from_millis(1);
        assert!(tokio::time::timeout(patience, check).await.is_err());
        assert_eq!(checker.turns.waiting("o"), 1);
        drop(checker.turns.wait("o").await);
        assert!(checker.remembered("o", &right, &[stored]).is_some());
        assert_eq!(checker.turns.waiting("o"), 0);
    }

    #[tokio::test]
    async fn one_at_a_time_upgrades_a_secret() {
        let checker = checker();
        let name = |number| ("project-test-1".parse().unwrap(), "c".parse().unwrap(), number);
        let first = checker.upgrade(name(1));
        assert!(first.is_some() && checker.upgrade(name(1)).is_none());
        assert!(checker.upgrade(name(2)).is_some());
        drop(first);
        assert!(checker.upgrade(name(1)).is_some());
    }
}
