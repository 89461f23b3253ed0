//! A project and an operator given from outside at start: for containers, and for tests.
//!
//! New → made. The same again → no change. The same id with another secret → refuse to start, because either somebody
//! expects a secret to work that does not, or the other way round.

use anyhow::{Context, bail};
use countersign_core::Timestamp;
use countersign_core::digest::Digest;
use countersign_core::ids::ProjectId;
use countersign_core::secret::{NewSecret, SecretStrength, StoredSecret, last_four, strength_of};
use countersign_store::StoreError;
use secrecy::{ExposeSecret, SecretString};

use super::Opened;
use super::first_start::{self, NewProject};
use crate::chance::chance;

/// Fewest characters of a secret given from outside.
const MIN_CHARS: usize = 32;

/// What was given.
#[derive(Debug, Default)]
pub struct Bootstrap {
    project: Option<(ProjectId, SecretString)>,
    operator_key: Option<SecretString>,
}

impl Bootstrap {
    /// Reads `COUNTERSIGN_BOOTSTRAP_*`.
    pub fn from_environment() -> anyhow::Result<Self> {
        let secret = |name: &str| -> anyhow::Result<Option<SecretString>> {
            let Ok(text) = std::env::var(name) else {
                return Ok(None);
            };
            if text.len() < MIN_CHARS {
                bail!("{name} must have at least {MIN_CHARS} characters");
            }
            Ok(Some(SecretString::from(text)))
        };
        let id = std::env::var("COUNTERSIGN_BOOTSTRAP_PROJECT_ID").ok();
        let project = match (id, secret("COUNTERSIGN_BOOTSTRAP_PROJECT_SECRET")?) {
            (Some(id), Some(secret)) => {
                Some((id.parse().context("COUNTERSIGN_BOOTSTRAP_PROJECT_ID")?, secret))
            }
            (None, None) => None,
            _ => bail!("COUNTERSIGN_BOOTSTRAP_PROJECT_ID and _PROJECT_SECRET go together"),
        };
        Ok(Self {
            project,
            operator_key: secret("COUNTERSIGN_BOOTSTRAP_OPERATOR_KEY")?,
        })
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.project.is_none() && self.operator_key.is_none()
    }

    /// Makes what is not there yet. Another node with the same environment may be faster; then it is there.
    pub async fn apply(&self, opened: &Opened, public_url: &str, now: Timestamp) -> anyhow::Result<()> {
        // Once for the project and once for the operator that somebody else made in the meantime.
        for _ in 0..2 {
            match self.apply_once(opened, public_url, now).await {
                Err(error) if matches!(error.downcast_ref(), Some(StoreError::Duplicate)) => {}
                applied => return applied,
            }
        }
        self.apply_once(opened, public_url, now).await
    }

    async fn apply_once(&self, opened: &Opened, public_url: &str, now: Timestamp) -> anyhow::Result<()> {
        if let Some((id, secret)) = &self.project {
            self.apply_project(opened, id, secret, public_url, now).await?;
        }
        if let Some(key) = &self.operator_key {
            apply_operator(opened, key, now).await?;
        }
        Ok(())
    }

    async fn apply_project(
        &self,
        opened: &Opened,
        id: &ProjectId,
        secret: &SecretString,
        public_url: &str,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let Some(record) = opened.store.project(id).await? else {
            let kept = keep(secret, strength_of(secret), opened, now);
            let NewProject {
                project,
                secret,
                keys,
                event,
            } = first_start::project(opened, id, kept, public_url, now)?;
            return Ok(opened
                .store
                .insert_project(&project, &secret, &keys, &event)
                .await?);
        };
        let mut live = record.secrets.iter().filter(|secret| secret.revoked_at.is_none());
        if live.any(|stored| stored.secret.digest.matches(secret, &opened.peppers)) {
            return Ok(());
        }
        bail!(
            "project {id} exists with another secret than COUNTERSIGN_BOOTSTRAP_PROJECT_SECRET; unset it, or set the right one"
        )
    }
}

async fn apply_operator(opened: &Opened, key: &SecretString, now: Timestamp) -> anyhow::Result<()> {
    for digest in Digest::keyed_under_each(key, &opened.peppers) {
        match opened.store.operator_by_digest(&digest).await? {
            Some(operator) if operator.revoked_at.is_some() => {
                bail!("COUNTERSIGN_BOOTSTRAP_OPERATOR_KEY was revoked; unset it, or set another one")
            }
            Some(_) => return Ok(()),
            None => {}
        }
    }
    // Operators are found by the digest of their key, so it is always a keyed one; 32 characters are demanded for that.
    let (operator, event) = first_start::admin(keep(key, SecretStrength::Random, opened, now), now)?;
    Ok(opened.store.insert_operator(&operator, &event).await?)
}

fn keep(secret: &SecretString, strength: SecretStrength, opened: &Opened, now: Timestamp) -> NewSecret {
    debug_assert!(secret.expose_secret().len() >= MIN_CHARS);
    let digest = Digest::make(secret, strength, &opened.peppers, &mut chance());
    let stored = StoredSecret {
        number: 1,
        digest,
        last_four: last_four(secret),
        created_at: now,
    };
    NewSecret {
        plaintext: secret.clone(),
        stored,
    }
}
