//! A project as it is held in memory: its live secrets, and its keys parsed once.

use std::sync::{Arc, OnceLock};

use countersign_client::Verifier;

use countersign_core::key_life::{KeyState, StoredKey, signing_position};
use countersign_core::master_keys::MasterKeys;
use countersign_core::project::{Project, ProjectSecret};
use countersign_core::seal::{OpenError, SealedRow};
use countersign_core::{Algorithm, Timestamp};
use countersign_store::ProjectRecord;
use countersign_token::PublicJwk;
use countersign_token::issue::{KeyError, SigningKey};

/// A project ready to serve.
#[derive(Debug)]
pub struct LiveProject {
    /// The project.
    pub project: Project,
    /// Secrets that work.
    pub secrets: Vec<ProjectSecret>,
    /// Keys that are published or will be.
    pub keys: Vec<LiveKey>,
    /// Made when the first token comes to the gateway, and anew with every change of the project or its keys.
    gateway_verifier: OnceLock<Verifier>,
}

/// A key ready to sign and to be published.
#[derive(Debug)]
pub struct LiveKey {
    /// Its times.
    pub stored: StoredKey,
    /// Its private half, parsed.
    pub signing: Arc<SigningKey>,
    /// Its public half.
    pub public: PublicJwk,
}

/// Why a project cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum LiveProjectError {
    /// A key does not open.
    #[error("signing key {kid} does not open")]
    Sealed {
        /// Which.
        kid: String,
        /// Why.
        source: OpenError,
    },
    /// A key opened but is none.
    #[error("signing key {kid} cannot be parsed")]
    Parse {
        /// Which.
        kid: String,
        /// Why.
        source: KeyError,
    },
}

/// The row a signing key is sealed for.
pub fn key_row(kid: &str) -> SealedRow<'_> {
    SealedRow {
        table: "signing_key",
        id: kid,
        version: 0,
    }
}

impl LiveProject {
    /// Opens and parses what the store gave.
    pub fn open(
        record: ProjectRecord,
        master_keys: &MasterKeys,
        now: Timestamp,
    ) -> Result<Self, LiveProjectError> {
        let published = record.keys.into_iter().filter(|key| key.is_published(now));
        let keys = published
            .map(|key| LiveKey::open(key, master_keys))
            .collect::<Result<_, _>>()?;
        let secrets = record
            .secrets
            .into_iter()
            .filter(|secret| secret.revoked_at.is_none())
            .collect();
        Ok(Self {
            project: record.project,
            secrets,
            keys,
            gateway_verifier: OnceLock::new(),
        })
    }

    /// What checks this project's tokens at the gateway.
    pub fn gateway_verifier(&self, make: impl FnOnce(&Self) -> Verifier) -> Verifier {
        self.gateway_verifier.get_or_init(|| make(self)).clone()
    }

    /// The key that signs for an algorithm now.
    pub fn signing_key(&self, algorithm: Algorithm, now: Timestamp) -> Option<Arc<SigningKey>> {
        let position = signing_position(self.keys.iter().map(|key| &key.stored), algorithm, now)?;
        self.keys.get(position).map(|key| key.signing.clone())
    }

    /// The keys that verifiers should know now.
    pub fn published_keys(&self, now: Timestamp) -> impl Iterator<Item = &LiveKey> {
        self.keys
            .iter()
            .filter(move |key| key.stored.state(now) != KeyState::Dropped)
    }
}

impl LiveKey {
    fn open(stored: StoredKey, master_keys: &MasterKeys) -> Result<Self, LiveProjectError> {
        let pkcs8 = master_keys
            .open(key_row(&stored.kid), &stored.sealed)
            .map_err(|source| LiveProjectError::Sealed {
                kid: stored.kid.clone(),
                source,
            })?;
        let signing = SigningKey::from_pkcs8(&stored.kid, stored.algorithm, &pkcs8).map_err(|source| {
            LiveProjectError::Parse {
                kid: stored.kid.clone(),
                source,
            }
        })?;
        Ok(Self {
            public: signing.public_jwk(),
            signing: Arc::new(signing),
            stored,
        })
    }
}
