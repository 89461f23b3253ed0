//! Documents, digested and held: reading one of the largest takes seconds, and every call needs it.

use std::sync::Arc;

use countersign_core::provider::Provider;
use countersign_gateway::document::{Document, DocumentError, OperationIndex};
use countersign_store::StoreError;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Weighter};
use url::Url;

use crate::app::App;
use crate::problem::Problem;

/// Memory for digested documents, by the bytes of the documents as they were given.
const HELD_BYTES: u64 = 96 * 1024 * 1024;
/// Documents expected in it: so few that they lie in one shard, and the largest fits.
const USUAL_DOCUMENTS: usize = 16;

/// A document as the gateway reads it.
#[derive(Debug)]
pub struct DigestedDocument {
    /// What is kept of it.
    pub document: Document,
    /// Finds its operations.
    pub index: OperationIndex,
    /// Bytes of the document as it was given.
    bytes: u64,
}

impl DigestedDocument {
    /// Reads a document. Relative servers in it are relative to `base_url`, so that the same digest comes of the same document and
    /// settings, wherever the document was taken from.
    pub fn read(content: &[u8], base_url: Option<&str>) -> Result<Self, DocumentError> {
        let source = base_url.and_then(|url| Url::parse(url).ok());
        let document = Document::read(content, source.as_ref())?;
        Ok(Self {
            index: OperationIndex::new(&document.operations),
            bytes: content.len() as u64,
            document,
        })
    }
}

/// Digested documents by what they were made of: they never grow old.
pub struct DigestedDocuments(Cache<Key, Arc<DigestedDocument>, Weigh>);

/// The hash of the document, and the base URL.
type Key = (String, String);

#[derive(Clone)]
struct Weigh;

impl Weighter<Key, Arc<DigestedDocument>> for Weigh {
    fn weight(&self, _: &Key, digested: &Arc<DigestedDocument>) -> u64 {
        digested.bytes.max(1)
    }
}

impl Default for DigestedDocuments {
    fn default() -> Self {
        Self(Cache::with(
            USUAL_DOCUMENTS,
            HELD_BYTES,
            Weigh,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ))
    }
}

impl App {
    /// The digested document of a provider. Whoever asks for one that is being digested waits for it.
    pub async fn digested(&self, provider: &Provider) -> Result<Arc<DigestedDocument>, Problem> {
        let key = (
            provider.document.sha256.clone(),
            provider.settings.base_url.clone(),
        );
        let load = async {
            let stored = self
                .store
                .provider_document(&provider.project_id, &provider.name)
                .await?
                .filter(|stored| *stored.info() == provider.document)
                .ok_or(StoreError::Stale)?;
            let base_url = provider.settings.base_url.clone();
            digest(stored.content().clone(), Some(base_url))
                .await?
                .map_err(|error| Problem::internal(&error))
        };
        self.memory.documents.0.get_or_insert_async(&key, load).await
    }
}

/// Reads a document off the threads that answer others.
pub async fn digest(
    content: Arc<[u8]>,
    base_url: Option<String>,
) -> Result<Result<Arc<DigestedDocument>, DocumentError>, Problem> {
    let reading = tokio::task::spawn_blocking(move || DigestedDocument::read(&content, base_url.as_deref()));
    let read = reading.await.map_err(|error| Problem::internal(&error))?;
    Ok(read.map(Arc::new))
}
