//! The providers of all projects, made ready when they are first called.

use std::sync::{Arc, OnceLock};

use countersign_core::ids::ProjectId;
use countersign_gateway::canonical_path::PathParameters;
use countersign_gateway::dial::{SystemResolver, Trust};
use countersign_gateway::document::Document;
use countersign_gateway::forward::Network;
use countersign_gateway::policy::{Policy, ProviderName, Rule};
use countersign_store::ProviderRecord;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use url::Url;

use super::GatewayRefusal;
use super::provider::{Catalogue, Provider, Upstream};
use super::stored::{Stored, Unusable};
use crate::app::App;
use crate::memory::ProviderKey;
use crate::problem::Problem;

/// Memory for the documents of providers that are called, by their sizes as they were given. Read, one takes a few times that.
const DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Providers expected at a time.
const USUAL_PROVIDERS: usize = 256;

/// See the module.
pub(super) struct Providers {
    ready: Cache<ProviderKey, Arc<Ready>, DocumentWeight>,
    /// One at a time: reading a large document takes a core for a second, and what waits finds it read.
    making: Mutex<()>,
    network: OnceLock<Network>,
}

/// A provider and the row that it was made of.
struct Ready {
    record: Arc<ProviderRecord>,
    provider: Arc<Provider>,
}

#[derive(Clone)]
struct DocumentWeight;

impl Weighter<ProviderKey, Arc<Ready>> for DocumentWeight {
    fn weight(&self, _: &ProviderKey, ready: &Arc<Ready>) -> u64 {
        ready.record.provider.document.bytes.unsigned_abs().max(1024)
    }
}

impl Providers {
    pub(super) fn new() -> Self {
        Self {
            ready: Cache::with_weighter(USUAL_PROVIDERS, DOCUMENT_BYTES, DocumentWeight),
            making: Mutex::default(),
            network: OnceLock::new(),
        }
    }

    /// The provider as it is now, no older than a second.
    pub(super) async fn one(
        &self,
        app: &App,
        project_id: &str,
        name: &ProviderName,
    ) -> Result<Option<Arc<Provider>>, GatewayRefusal> {
        let Ok(project_id) = project_id.parse::<ProjectId>() else {
            return Ok(None);
        };
        let key = (project_id, name.as_str().to_owned());
        let Some(record) = app.provider(&key.0, &key.1).await? else {
            self.ready.remove(&key);
            return Ok(None);
        };
        if let Some(provider) = self.fitting(&key, &record) {
            return Ok(Some(provider));
        }
        let _making = self.making.lock().await;
        if let Some(provider) = self.fitting(&key, &record) {
            return Ok(Some(provider));
        }
        let before = self.ready.get(&key);
        let provider = Arc::new(make(app, &record, before.as_deref()).await?);
        let ready = Ready {
            record,
            provider: provider.clone(),
        };
        self.ready.insert(key, Arc::new(ready));
        Ok(Some(provider))
    }

    /// What is ready, if it was made of this row.
    fn fitting(&self, key: &ProviderKey, record: &Arc<ProviderRecord>) -> Option<Arc<Provider>> {
        let ready = self.ready.get(key)?;
        // Read again after the memory was cleared, it is another one and says the same.
        let is_same = Arc::ptr_eq(&ready.record, record) || ready.record == *record;
        is_same.then(|| ready.provider.clone())
    }

    /// What all calls share, made with the first.
    pub(super) fn network(&self) -> Result<&Network, GatewayRefusal> {
        if let Some(network) = self.network.get() {
            return Ok(network);
        }
        let trust = Trust::new(Vec::new()).map_err(|error| Problem::internal(&error))?;
        Ok(self.network.get_or_init(|| Network {
            resolver: Arc::new(SystemResolver),
            trust,
            tokens: Arc::default(),
        }))
    }
}

async fn make(
    app: &App,
    record: &Arc<ProviderRecord>,
    before: Option<&Ready>,
) -> Result<Provider, GatewayRefusal> {
    let provider = &record.provider;
    let unusable = |what: String| {
        let name = provider.name.clone();
        Problem::internal(&Unusable { name, what })
    };
    let same_document = before
        .filter(|before| before.record.provider.document == provider.document)
        .map(|before| before.provider.catalogue.clone());
    let catalogue = match same_document {
        Some(catalogue) => catalogue,
        None => Arc::new(read_document(app, record, &unusable).await?),
    };
    let rules = serde_json::to_value(&provider.settings.rules).and_then(serde_json::from_value::<Vec<Rule>>);
    let rules = rules.map_err(|error| unusable(error.to_string()))?;
    let name: ProviderName = provider
        .name
        .parse()
        .map_err(|error: countersign_gateway::policy::ProviderNameError| unusable(error.to_string()))?;
    let stored_before = before.and_then(|before| match &before.provider.upstream {
        Upstream::Stored(stored) => Some(stored),
        Upstream::InProcess(_) => None,
    });
    let (token_paths, before) = (
        &catalogue.document.token_paths,
        stored_before.map(|before| &**before),
    );
    let stored = Stored::new(record.clone(), token_paths, app, before);
    Ok(Provider {
        policy: Policy::new(name, rules).map_err(|error| unusable(error.to_string()))?,
        catalogue,
        path_parameters: if provider.settings.path_parameters {
            PathParameters::Allowed
        } else {
            PathParameters::Refused
        },
        upstream: Upstream::Stored(Box::new(stored.map_err(|error| Problem::internal(&error))?)),
    })
}

async fn read_document(
    app: &App,
    record: &ProviderRecord,
    unusable: &(dyn Fn(String) -> Problem + Sync),
) -> Result<Catalogue, Problem> {
    let provider = &record.provider;
    let document = app
        .store
        .provider_document(&provider.project_id, &provider.name)
        .await?;
    // It was replaced between two reads; the memory is told of it within a second.
    let document = document
        .filter(|document| document.info().sha256 == provider.document.sha256)
        .ok_or_else(|| Problem::unavailable("The provider is just being changed.", 1))?;
    // Relative servers are relative to the base URL, as they are where operators look at operations.
    let source = Url::parse(&provider.settings.base_url).ok();
    let read = tokio::task::spawn_blocking(move || Document::read(document.content(), source.as_ref())).await;
    match read {
        Ok(Ok(document)) => Ok(Catalogue::new(document)),
        Ok(Err(error)) => Err(unusable(error.to_string())),
        Err(_) => Err(unusable("reading its document was broken off".to_owned())),
    }
}
