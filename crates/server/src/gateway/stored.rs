//! A provider that an operator added: where it is, and which credential goes with a call.
//!
//! A credential is opened when the first call that a rule allows needs it, never before. What it opened serves until its row changes.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_core::credential::{DEFAULT_NAME, StoredCredential};
use countersign_core::provider::{ProviderLimits, ProviderSettings};
use countersign_gateway::address::AddressGuard;
use countersign_gateway::document::{Operation, OperationServer, TokenPath};
use countersign_gateway::forward::{Connections, Flow, HeldCredential, Limits, Network};
use countersign_gateway::headers::DownRules;
use countersign_gateway::inject::Credential;
use countersign_gateway::upstream::Upstream;
use countersign_store::ProviderRecord;

use super::GatewayRefusal;
use crate::app::App;

/// See the module.
pub(super) struct Stored {
    pub(super) record: Arc<ProviderRecord>,
    pub(super) flow: Arc<Flow>,
    limits: Limits,
    guard: AddressGuard,
    base: Upstream,
    further: Vec<FurtherPlace>,
    /// Where the document says that the provider gives tokens.
    token_paths: Vec<TokenPath>,
    connections: Mutex<HashMap<Way, Arc<Connections>>>,
}

/// A place beside the base that some operations name.
struct FurtherPlace {
    upstream: Upstream,
    credential: String,
}

/// A place and the version of the credential that goes there.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Way {
    place: String,
    credential: Option<(String, i64)>,
}

/// A provider that was stored and cannot be called: the program that stored it took something for sound that this one does not.
#[derive(Debug, thiserror::Error)]
#[error("provider {name} cannot be called: {what}")]
pub(super) struct Unusable {
    pub(super) name: String,
    pub(super) what: String,
}

impl Stored {
    /// Makes it ready. What `before` has open and still fits is kept, so that a change drops no call and no connection that it does not
    /// concern.
    pub(super) fn new(
        record: Arc<ProviderRecord>,
        token_paths: &[TokenPath],
        app: &App,
        before: Option<&Self>,
    ) -> Result<Self, Unusable> {
        let settings = &record.provider.settings;
        let unusable = |what: String| Unusable {
            name: record.provider.name.clone(),
            what,
        };
        let guard = guard(settings, app).map_err(&unusable)?;
        let place = |url: &str| Upstream::parse(url, &guard).map_err(|error| unusable(error.to_string()));
        let further = settings.further_hosts.iter().map(|host| {
            Ok(FurtherPlace {
                upstream: place(&host.base_url)?,
                credential: host.credential.clone(),
            })
        });
        let further = further.collect::<Result<_, Unusable>>()?;
        let limits = limits(&settings.limits);
        let same_places = |before: &&Self| {
            before.record.provider.settings.allowed_cidrs == settings.allowed_cidrs
                && before.token_paths == token_paths
        };
        let same_bounds = |before: &&Self| {
            let earlier = &before.record.provider.settings;
            earlier.limits == settings.limits && earlier.keep_cookies == settings.keep_cookies
        };
        let flow = before.filter(same_bounds).map(|before| before.flow.clone());
        let connections = before
            .filter(same_places)
            .filter(same_bounds)
            .map(|before| before.connections_of(&record));
        Ok(Self {
            flow: flow.unwrap_or_else(|| Arc::new(Flow::new(limits, down_rules(settings)))),
            base: place(&settings.base_url)?,
            connections: Mutex::new(connections.unwrap_or_default()),
            token_paths: token_paths.to_vec(),
            limits,
            guard,
            further,
            record,
        })
    }

    /// The connections for a call: to the place of its operation, with the credential of its rule.
    pub(super) fn way(
        &self,
        app: &App,
        network: &Network,
        operation: Option<&Operation>,
        chosen: Option<&str>,
    ) -> Result<Arc<Connections>, GatewayRefusal> {
        let (upstream, of_place) = self.place(operation)?;
        let credential = self.credential(chosen.or(of_place))?;
        let way = Way {
            place: upstream_text(upstream),
            credential: credential.map(|credential| (credential.id.clone(), credential.version)),
        };
        if let Some(connections) = self.lock().get(&way) {
            return Ok(connections.clone());
        }
        let held = credential
            .map(|credential| open(app, credential, upstream))
            .transpose()?;
        let (upstream, token_paths) = (upstream.clone(), &self.token_paths);
        let made = Connections::new(upstream, &self.guard, held, token_paths, &self.limits, network);
        let made = made.map_err(|error| GatewayRefusal::credential_unusable(error.to_string()))?;
        // Two calls may have made one each; both use the first.
        Ok(self.lock().entry(way).or_insert(Arc::new(made)).clone())
    }

    /// Whether the operation is at a place that the operator listed.
    pub(super) fn serves(&self, operation: &Operation) -> bool {
        self.place(Some(operation)).is_ok()
    }

    /// The credential for a call: that of its rule, or of its operation's place.
    pub(super) fn chosen(
        &self,
        operation: Option<&Operation>,
        chosen: Option<&str>,
    ) -> Result<Option<&StoredCredential>, GatewayRefusal> {
        let (_, of_place) = self.place(operation)?;
        self.credential(chosen.or(of_place))
    }

    fn place(&self, operation: Option<&Operation>) -> Result<(&Upstream, Option<&str>), GatewayRefusal> {
        let own = match operation.map(|operation| &operation.server) {
            None | Some(OperationServer::Document) => return Ok((&self.base, None)),
            Some(OperationServer::Own(url)) => Upstream::parse(url, &self.guard).ok(),
            Some(OperationServer::Unusable) => None,
        };
        let listed = own.and_then(|own| self.further.iter().find(|place| place.upstream == own));
        match listed {
            Some(place) => Ok((&place.upstream, Some(&place.credential))),
            None => Err(GatewayRefusal::operation_elsewhere()),
        }
    }

    /// The credential of this name. A provider without any is called without; one that has some is never called without the right one.
    fn credential(&self, name: Option<&str>) -> Result<Option<&StoredCredential>, GatewayRefusal> {
        let credentials = &self.record.credentials;
        if credentials.is_empty() && name.is_none() {
            return Ok(None);
        }
        let name = name.unwrap_or(DEFAULT_NAME);
        let found = credentials.iter().find(|credential| credential.name == name);
        found.map(Some).ok_or_else(|| {
            let provider = &self.record.provider.name;
            GatewayRefusal::credential_unusable(format!("provider {provider} has no credential {name}"))
        })
    }

    /// Those connections whose credentials are still the same.
    fn connections_of(&self, record: &ProviderRecord) -> HashMap<Way, Arc<Connections>> {
        let is_current = |way: &Way| match &way.credential {
            None => true,
            Some((id, version)) => record
                .credentials
                .iter()
                .any(|credential| credential.id == *id && credential.version == *version),
        };
        let connections = self.lock();
        let current = connections.iter().filter(|(way, _)| is_current(way));
        current
            .map(|(way, connections)| (way.clone(), connections.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Way, Arc<Connections>>> {
        // Nothing panics while it is held.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a credential for a place that it was set for.
fn open(
    app: &App,
    credential: &StoredCredential,
    upstream: &Upstream,
) -> Result<HeldCredential, GatewayRefusal> {
    // The list is part of what was sealed, so that it is true if the value opens.
    let host = upstream.sealed_host();
    if !credential.hosts.contains(&host) {
        return Err(GatewayRefusal::credential_unusable(format!(
            "credential {} of provider {} was set for {}, and the provider is at {host} now: set it again",
            credential.name,
            credential.provider,
            credential.hosts.join(", ")
        )));
    }
    let value = credential
        .open(&app.master_keys)
        .map_err(|unopened| GatewayRefusal::credential_unusable(unopened.to_string()))?;
    let read = Credential::read(&value);
    let read = read.map_err(|error| GatewayRefusal::credential_unusable(error.to_string()))?;
    Ok(HeldCredential {
        id: credential.id.clone(),
        version: credential.version.unsigned_abs(),
        credential: read,
    })
}

fn upstream_text(upstream: &Upstream) -> String {
    format!(
        "{}://{}{}",
        upstream.scheme(),
        upstream.authority(),
        upstream.base_path()
    )
}

fn guard(settings: &ProviderSettings, app: &App) -> Result<AddressGuard, String> {
    let ranges = settings.allowed_cidrs.iter().map(|range| range.parse());
    let ranges = ranges.collect::<Result<_, _>>();
    let ranges = ranges.map_err(|_| "a range is none".to_owned())?;
    AddressGuard::new(ranges, app.config.listeners()).map_err(|error| error.to_string())
}

fn down_rules(settings: &ProviderSettings) -> DownRules {
    DownRules {
        cookies: settings.keep_cookies,
        caching: false,
    }
}

fn limits(stored: &ProviderLimits) -> Limits {
    let usual = Limits::default();
    let narrow = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok());
    let rate = |value| narrow(value).and_then(NonZeroU32::new);
    Limits {
        head_within: stored
            .timeout_seconds
            .map_or(usual.head_within, Duration::from_secs),
        idle_for: stored
            .idle_timeout_seconds
            .map_or(usual.idle_for, Duration::from_secs),
        request_body_bytes: stored.request_body_bytes.unwrap_or(usual.request_body_bytes),
        response_head_bytes: narrow(stored.response_header_bytes).unwrap_or(usual.response_head_bytes),
        concurrency: narrow(stored.concurrency).unwrap_or(usual.concurrency),
        calls_per_second: rate(stored.calls_per_second),
        caller_calls_per_second: rate(stored.caller_calls_per_second),
        caller_concurrency: narrow(stored.caller_concurrency),
        caller_calls_per_day: stored.caller_calls_per_day,
        caller_bytes_per_day: stored.caller_bytes_per_day,
        response_body_bytes: stored.response_body_bytes,
        retries: stored
            .retries
            .and_then(|retries| u8::try_from(retries).ok())
            .unwrap_or(0),
    }
}
