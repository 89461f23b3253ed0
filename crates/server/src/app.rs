//! What handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_core::Timestamp;
use countersign_core::grant::TokenPolicy;
use countersign_core::master_keys::MasterKeys;
use countersign_core::pepper::Peppers;
use countersign_store::Store;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::config::Config;
use crate::dual_run::DualRun;
use crate::keys::OldestKey;
use crate::limits::Limits;
use crate::memory::Memory;
use crate::secret_check::SecretChecker;
use crate::signer::Signer;
use crate::usage::UsageRecorder;

/// Whether the service is about to stop, and wants its callers elsewhere.
#[derive(Debug, Default)]
pub struct Stopping(AtomicBool);

impl Stopping {
    /// It is, from now on.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Handle on everything a handler may need; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts behind [`App`].
#[expect(missing_docs, reason = "each type's own page says what it is")]
pub struct Parts {
    pub config: Config,
    /// Without a trailing slash.
    pub public_url: String,
    /// Where the gateway is reached, when it has a port of its own; without a trailing slash.
    pub gateway_url: Option<String>,
    pub clock: Arc<dyn Clock>,
    pub store: Arc<dyn Store>,
    pub memory: Arc<Memory>,
    pub master_keys: MasterKeys,
    pub peppers: Arc<Peppers>,
    pub token_policy: TokenPolicy,
    pub signer: Signer,
    pub secrets: SecretChecker,
    pub dual_run: DualRun,
    pub limits: Limits,
    pub usage: Arc<UsageRecorder>,
    /// Since when the oldest key signs.
    pub oldest_key: OldestKey,
    /// Whether the service is about to stop.
    pub stopping: Stopping,
    /// One permit a request in progress.
    pub places: Semaphore,
}

impl App {
    /// Wraps the parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
