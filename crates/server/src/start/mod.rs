//! From a configuration to a running service: data folder, database, master key, installation, first project.

pub mod bootstrap;
pub mod data_dir;
pub mod first_start;
pub mod installation;
pub mod master_key;
pub mod master_key_rotation;
pub mod recover;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use countersign_core::grant::TokenPolicy;
use countersign_core::pepper::Peppers;
use countersign_core::seal::MasterKey;
use countersign_store::{SqliteOptions, SqliteStore, Store};
use tokio::sync::Semaphore;

use crate::app::{App, Parts, Stopping};
use crate::clock::Clock;
use crate::config::{Config, signed};
use crate::limits::Limits;
use crate::memory::Memory;
use crate::memory::feed::{BELIEVED_FOR, Follower, Freshness};
use crate::secret_check::SecretChecker;
use crate::signer::Signer;
use crate::usage::UsageRecorder;
use data_dir::DataDir;

/// Everything opened, and nothing listening yet.
pub struct Opened {
    /// The folder, locked against a second process.
    pub data_dir: DataDir,
    /// The database.
    pub store: Arc<dyn Store>,
    /// The key that fits it.
    pub master_key: MasterKey,
    /// The peppers it opened.
    pub peppers: Arc<Peppers>,
}

/// Opens the data folder and the database, and the installation with its master key, making both on an empty one.
pub async fn open(config: &Config, clock: &dyn Clock) -> anyhow::Result<Opened> {
    let data_dir = DataDir::lock(&config.server.data_dir)?;
    let store = open_store(config).await?;
    let (master_key, peppers) = match store.installation().await? {
        Some(installation) => {
            let key = master_key::find(config, data_dir.path(), &installation)?;
            let peppers = installation::open_peppers(&installation, &key)?;
            (key, peppers)
        }
        None => {
            let key = master_key::find_or_make(config, data_dir.path())?;
            let peppers = installation::create(store.as_ref(), &key, clock.now()).await?;
            (key, peppers)
        }
    };
    Ok(Opened {
        data_dir,
        store,
        master_key,
        peppers: Arc::new(peppers),
    })
}

/// The engine is chosen by the URL.
pub async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let options = SqliteOptions {
        file: database_file(config)?,
        max_page_count: Some(config.database.sqlite_max_pages).filter(|pages| *pages > 0),
        readers: config.database.readers,
        cache_kib: config.database.sqlite_cache_mib * 1024,
    };
    let store = SqliteStore::open(options)
        .await
        .context("cannot open the database")?;
    Ok(Arc::new(store))
}

/// The file of an embedded database.
pub fn database_file(config: &Config) -> anyhow::Result<PathBuf> {
    match config.database.url.as_str() {
        "" => Ok(config.server.data_dir.join("countersign.db")),
        url => match url.strip_prefix("sqlite:") {
            Some(file) => Ok(Path::new(file.trim_start_matches("//")).to_path_buf()),
            None => anyhow::bail!("database.url must be empty or sqlite:FILE"),
        },
    }
}

/// Wires the parts together, and polls the change feed once, so that memory is usable from the first request on.
pub async fn assemble(
    config: Config,
    public_url: String,
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
            gateway_audience: format!("{public_url}/gateway"),
        },
        public_url,
        clock,
        store: opened.store.clone(),
        memory: memory.clone(),
        master_key: opened.master_key,
        signer: Signer::start(cores, config.limits.signing_queue).context("signing threads")?,
        secrets: SecretChecker::new(opened.peppers.clone(), slow_digests),
        peppers: opened.peppers,
        limits: Limits::new(&config.limits),
        usage: Arc::new(UsageRecorder::default()),
        stopping: Stopping::default(),
        places: Semaphore::new(config.limits.concurrent_requests.min(Semaphore::MAX_PERMITS)),
        config,
    });
    let mut follower = Follower::new(opened.store, memory);
    follower.poll().await?;
    Ok((app, follower, opened.data_dir))
}
