//! Memory that cannot lie: clients, projects and operators held in memory, never older than a second.
//!
//! Three mechanisms, each closing one way in which memory could disagree with the database:
//!
//! - A node that changes something forgets it before it answers ([`Memory::forget`]).
//! - What other nodes change arrives through the change feed, polled every 250 ms ([`feed`]). While the last completed
//!   poll began more than 750 ms ago nothing in memory is believed, so a node cut off from the database stops using its
//!   memory instead of serving old truth.
//! - A value that was being read from the database while it changed is not kept ([`held`]).

pub mod clock_offset;
pub mod feed;
pub mod held;
mod load;

use std::sync::Arc;
use std::time::Duration;

use countersign_core::client::Client;
use countersign_core::digest::Digest;
use countersign_core::ids::{ClientId, ProjectId};
use countersign_core::operator::Operator;
use countersign_store::{Change, ProviderRecord};

use crate::keys::LiveProject;
use crate::providers::digest::DigestedDocuments;
use clock_offset::ClockOffset;
use feed::Freshness;
use held::Held;

/// What identifies a client.
pub type ClientKey = (ProjectId, ClientId);

/// What identifies a provider.
pub type ProviderKey = (ProjectId, String);

/// Everything held in memory. Absence is held too, so that asking for unknown ids does not reach the database each time.
pub struct Memory {
    /// Clients, bounded in bytes.
    pub clients: Held<ClientKey, Option<Arc<Client>>>,
    /// Projects with their secrets and parsed signing keys.
    pub projects: Held<ProjectId, Option<Arc<LiveProject>>>,
    /// Operators by the digest of their key.
    pub operators: Held<String, Option<Arc<Operator>>>,
    /// Providers of the gateway with their rules and sealed credentials.
    pub providers: Held<ProviderKey, Option<Arc<ProviderRecord>>>,
    /// What their documents say.
    pub documents: DigestedDocuments,
    /// How far this machine's clock is from the database's.
    pub clock: ClockOffset,
    freshness: Arc<Freshness>,
}

/// Rough bytes of a held client of usual size.
const CLIENT_BYTES: u64 = 1024;
/// Rough bytes of a held operator.
const OPERATOR_BYTES: u64 = 1024;
/// Rough bytes of a held project: mostly parsed keys.
const PROJECT_BYTES: u64 = 16 * 1024;
/// Rough bytes of a held provider of usual size.
const PROVIDER_BYTES: u64 = 4 * 1024;
/// Memory for projects, operators and providers each, beside that for clients.
const SIDE_BYTES: u64 = 16 * 1024 * 1024;

impl Memory {
    /// Empty memory; `client_bytes` bounds the clients.
    pub fn new(client_bytes: u64, freshness: Arc<Freshness>) -> Self {
        Self {
            clients: Held::new(client_bytes, CLIENT_BYTES, freshness.clone(), client_weight),
            projects: Held::new(SIDE_BYTES, PROJECT_BYTES, freshness.clone(), |_, _| PROJECT_BYTES),
            operators: Held::new(SIDE_BYTES, OPERATOR_BYTES, freshness.clone(), |_, _| {
                OPERATOR_BYTES
            }),
            providers: Held::new(SIDE_BYTES, PROVIDER_BYTES, freshness.clone(), provider_weight),
            documents: DigestedDocuments::default(),
            clock: ClockOffset::default(),
            freshness,
        }
    }

    /// Forgets one thing.
    pub fn forget(&self, change: &Change) {
        match change {
            Change::Client(project_id, client_id) => {
                self.clients.forget(&(project_id.clone(), client_id.clone()));
            }
            Change::Project(project_id) => self.projects.forget(project_id),
            Change::Provider(project_id, name) => {
                self.providers.forget(&(project_id.clone(), name.clone()));
            }
            Change::Operators => self.operators.forget_all(),
            Change::Installation => self.forget_all(),
        }
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        self.clients.forget_all();
        self.projects.forget_all();
        self.operators.forget_all();
        self.providers.forget_all();
    }

    /// How long ago the last completed look at the change feed began; `None` before the first.
    pub fn age(&self) -> Option<Duration> {
        self.freshness.age()
    }

    /// Whether what is held may be believed.
    pub fn is_fresh(&self) -> bool {
        self.freshness.is_fresh()
    }
}

/// How an operator's digest stands as a key in memory.
pub fn operator_key(digest: &Digest) -> String {
    digest.to_string()
}

/// Bytes a held client takes: its texts, and what the structures around them cost.
fn client_weight(key: &ClientKey, client: &Option<Arc<Client>>) -> u64 {
    const OVERHEAD: usize = 850;
    const PER_SCOPE: usize = 40;
    let id_bytes = key.0.as_str().len() + 2 * key.1.as_str().len();
    let body = client.as_ref().map_or(0, |client| {
        let scopes: usize = client
            .scopes
            .iter()
            .map(|scope| scope.as_str().len() + PER_SCOPE)
            .sum();
        let metadata = if client.metadata.as_map().is_empty() {
            0
        } else {
            4 * client.metadata.to_json().len()
        };
        client.name.len() + client.description.len() + scopes + metadata
    });
    (OVERHEAD + id_bytes + body) as u64
}

/// Bytes a held provider takes: its rules, and its credentials as they rest.
fn provider_weight(key: &ProviderKey, provider: &Option<Arc<ProviderRecord>>) -> u64 {
    const OVERHEAD: usize = 1024;
    const PER_TEXT: usize = 40;
    let body = provider.as_ref().map_or(0, |record| {
        let texts = |texts: &[String]| texts.iter().map(|text| text.len() + PER_TEXT).sum::<usize>();
        let rules =
            record.provider.settings.rules.iter().map(|rule| {
                OVERHEAD / 4 + texts(&rule.methods) + texts(&rule.paths) + texts(&rule.operations)
            });
        let credentials = record
            .credentials
            .iter()
            .map(|credential| OVERHEAD / 2 + texts(&credential.hosts) + credential.sealed.as_str().len());
        rules.sum::<usize>() + credentials.sum::<usize>()
    });
    (OVERHEAD + key.0.as_str().len() + key.1.len() + body) as u64
}
