//! From a configuration to a running service: data folder, database, master key, installation, first project.

pub mod bootstrap;
pub mod data_dir;
pub mod database;
pub mod first_start;
pub mod installation;
pub mod master_key;
pub mod master_key_rotation;
pub mod recover;

use std::sync::Arc;

use anyhow::Context;
use countersign_core::grant::TokenPolicy;
use countersign_core::master_keys::MasterKeys;
use countersign_core::pepper::Peppers;
use countersign_store::{Store, StoreError};
use tokio::sync::Semaphore;

use crate::app::{App, Parts, Stopping};
use crate::clock::Clock;
use crate::config::{Config, signed};
use crate::dual_run::DualRun;
use crate::keys::OldestKey;
use crate::limits::Limits;
use crate::memory::Memory;
use crate::memory::feed::{BELIEVED_FOR, Follower, Freshness};
use crate::secret_check::SecretChecker;
use crate::signer::Signer;
use crate::usage::UsageRecorder;
use data_dir::DataDir;
use database::open_store;

/// An import was begun and not ended: what is there is a part.
#[derive(Debug, thiserror::Error)]
#[error(
    "an import into this database is not complete: run the same `countersign import` again, and it goes on where it stopped, or \
     begin anew with an empty database"
)]
pub struct ImportUnfinished;

/// How callers reach the service. Without trailing slashes.
pub struct Urls {
    /// The service.
    pub public: String,
    /// The gateway, when it has a port of its own.
    pub gateway: Option<String>,
}

/// Everything opened, and nothing listening yet.
pub struct Opened {
    /// The folder, locked against a second process.
    pub data_dir: DataDir,
    /// The database.
    pub store: Arc<dyn Store>,
    /// The key that fits it, and the one that a rotation may move to.
    pub master_keys: MasterKeys,
    /// The peppers it opened.
    pub peppers: Arc<Peppers>,
}

/// Opens the data folder and the database, and the installation with its master key, making both on an empty one.
pub async fn open(config: &Config, clock: &dyn Clock) -> anyhow::Result<Opened> {
    let data_dir = DataDir::lock(&config.server.data_dir)?;
    let store = open_store(config).await?;
    if store.installation().await?.is_none() {
        let key = master_key::find_or_make(config, data_dir.path())?;
        match installation::create(store.as_ref(), &key, clock.now()).await {
            // Another node was faster; its installation is everybody's.
            Err(StoreError::Duplicate) => {}
            made => made?,
        }
    }
    refuse_unfinished_import(store.as_ref()).await?;
    let installation = store.installation().await?.context("the installation is gone")?;
    let master_keys = master_key::find_all(config, data_dir.path(), &installation)?;
    let peppers = installation::open_peppers(&installation, master_keys.present())?;
    Ok(Opened {
        data_dir,
        store,
        master_keys,
        peppers: Arc::new(peppers),
    })
}

/// Nobody works on a part of an installation. Asked after one was found: an import that begins later finds the database taken.
pub async fn refuse_unfinished_import(store: &dyn Store) -> anyhow::Result<()> {
    match store.import_under_way().await? {
        Some(_) => Err(ImportUnfinished.into()),
        None => Ok(()),
    }
}

/// Wires the parts together, and polls the change feed once, so that memory is usable from the first request on.
pub async fn assemble(
    config: Config,
    urls: Urls,
    opened: Opened,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<(App, Follower, DataDir)> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let freshness = Arc::new(Freshness::new(BELIEVED_FOR));
    let memory = Arc::new(Memory::new(config.cache.max_mib * 1024 * 1024, freshness));
    let slow_digests = match config.limits.slow_digests {
        0 => cores.div_ceil(2),
        set => set,
    };
    let app = App::new(Parts {
        token_policy: TokenPolicy {
            lifetime: signed(config.tokens.lifetime),
            gateway_audience: format!("{}/gateway", urls.public),
        },
        public_url: urls.public,
        gateway_url: urls.gateway,
        clock: clock.clone(),
        store: opened.store.clone(),
        memory: memory.clone(),
        master_keys: opened.master_keys,
        signer: Signer::start(cores, config.limits.signing_queue).context("signing threads")?,
        secrets: SecretChecker::new(opened.peppers.clone(), slow_digests),
        dual_run: DualRun::new(&config.dual_run.services, &config.dual_run.ca_file)?,
        peppers: opened.peppers,
        limits: Limits::new(&config.limits),
        usage: Arc::new(UsageRecorder::default()),
        oldest_key: OldestKey::default(),
        stopping: Stopping::default(),
        places: Semaphore::new(config.limits.concurrent_requests.min(Semaphore::MAX_PERMITS)),
        config,
    });
    let mut follower = Follower::new(opened.store, memory, clock);
    follower.poll().await?;
    Ok((app, follower, opened.data_dir))
}
