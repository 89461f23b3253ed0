//! A provider, ready to be called: its rules, its operations, and the way to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::response::Response;
use countersign_core::credential::StoredCredential;
use countersign_gateway::canonical_path::{CanonicalPath, PathParameters};
use countersign_gateway::document::{Document, Operation, OperationIndex};
use countersign_gateway::forward::{Connections, Outgoing, Sender, forward};
use countersign_gateway::framing::{self, FramingRefusal};
use countersign_gateway::inject::Jitter;
use countersign_gateway::policy::Policy;
use countersign_gateway::query::Query;
use http::{HeaderMap, Method, Version};
use http_body_util::BodyExt as _;
use hyper::upgrade::OnUpgrade;
use rand::RngExt as _;

use super::admission::Admission;
use super::call_line::CallLine;
use super::in_process::InProcess;
use super::stored::Stored;
use super::{Gateway, GatewayRefusal};
use crate::chance::chance;
use crate::http::request::RequestContext;

/// See the module.
pub(super) struct Provider {
    pub(super) policy: Policy,
    pub(super) catalogue: Arc<Catalogue>,
    /// Whether its paths may hold `;`.
    pub(super) path_parameters: PathParameters,
    pub(super) upstream: Upstream,
}

/// Where calls go that were allowed.
pub(super) enum Upstream {
    /// They are answered here.
    InProcess(InProcess),
    /// They are sent on, with the credential.
    Stored(Box<Stored>),
}

/// What a caller sends, on its way to a provider.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) version: Version,
    /// Below the provider's base, as it was judged.
    pub(super) path: CanonicalPath,
    pub(super) query: Option<Query>,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// The caller's connection, for a call that may become a WebSocket.
    pub(super) websocket: Option<OnUpgrade>,
}

/// The operations of a document, and how they are found.
pub(super) struct Catalogue {
    pub(super) document: Document,
    index: OperationIndex,
}

impl Provider {
    /// Whether calls of this operation have a place to go to.
    pub(super) fn serves(&self, operation: &Operation) -> bool {
        match &self.upstream {
            Upstream::InProcess(_) => true,
            Upstream::Stored(stored) => stored.serves(operation),
        }
    }

    /// The credential that a call is sent with. It is not opened.
    pub(super) fn credential(
        &self,
        admission: &Admission,
    ) -> Result<Option<&StoredCredential>, GatewayRefusal> {
        match &self.upstream {
            Upstream::InProcess(_) => Ok(None),
            Upstream::Stored(stored) => {
                stored.chosen(admission.operation.as_ref(), admission.credential.as_deref())
            }
        }
    }
}

impl Admission {
    /// Sends the call. The line is written when all of it has ended.
    pub(super) async fn send(
        &self,
        gateway: &Gateway,
        call: Call,
        context: RequestContext,
        mut line: CallLine,
    ) -> Result<Response, GatewayRefusal> {
        match &self.provider.upstream {
            Upstream::InProcess(own) => {
                let answer = own.answer(&gateway.0.app, call, self, context).await;
                line.outcome(&answer);
                answer
            }
            Upstream::Stored(stored) => sent_on(gateway, stored, call, self, line).await,
        }
    }
}

async fn sent_on(
    gateway: &Gateway,
    stored: &Stored,
    call: Call,
    admission: &Admission,
    mut line: CallLine,
) -> Result<Response, GatewayRefusal> {
    let (app, now) = (&gateway.0.app, gateway.0.app.now());
    let connections = way(gateway, stored, admission).inspect_err(|refusal| line.refused(refusal))?;
    if let Some(held) = connections.held() {
        line.credential(held);
        app.usage.credential_used(&held.id, now);
    }
    // Whichever of the two comes first has the line: the answer's head or, when there is none, what is wrong.
    let line = Arc::new(Mutex::new(line));
    let to_end = line.clone();
    let sender = Sender {
        caller: format!("{}/{}", admission.caller.project_id, admission.caller.client_id),
        unix_seconds: now.as_second().unsigned_abs(),
        jitter: Jitter(chance().random()),
        on_end: Some(Box::new(move |ended| lock(&to_end).ended(ended))),
    };
    let answer = forward(call.into(), connections, stored.flow.clone(), sender).await;
    let answer = answer
        .map(|answer| answer.map(Body::new))
        .map_err(GatewayRefusal::from);
    lock(&line).outcome(&answer);
    answer
}

fn way(
    gateway: &Gateway,
    stored: &Stored,
    admission: &Admission,
) -> Result<Arc<Connections>, GatewayRefusal> {
    let network = gateway.0.providers.network()?;
    let (operation, chosen) = (admission.operation.as_ref(), admission.credential.as_deref());
    stored.way(&gateway.0.app, network, operation, chosen)
}

fn lock(line: &Mutex<CallLine>) -> MutexGuard<'_, CallLine> {
    // Nothing panics while it is held.
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The method of an operation, if it is one that is forwarded.
pub(super) fn method(operation: &Operation) -> Result<Method, FramingRefusal> {
    let method = Method::from_bytes(operation.method.as_bytes()).map_err(|_| FramingRefusal::Method)?;
    framing::check_method(&method)?;
    Ok(method)
}

impl From<Call> for Outgoing {
    fn from(call: Call) -> Self {
        Self {
            method: call.method,
            version: call.version,
            path: call.path,
            query: call.query,
            headers: call.headers,
            body: call.body.map_err(Into::into).boxed_unsync(),
            websocket: call.websocket,
        }
    }
}

impl Catalogue {
    pub(super) fn new(document: Document) -> Self {
        Self {
            index: OperationIndex::new(&document.operations),
            document,
        }
    }

    /// The operation of this name.
    pub(super) fn named(&self, name: &str) -> Option<&Operation> {
        self.document.operations.get(self.index.named(name)?)
    }

    /// The operation that method and decoded segments are.
    pub(super) fn matching(&self, method: &Method, segments: &[&str]) -> Option<&Operation> {
        let path = format!("/{}", segments.join("/"));
        let position = self.index.matching(method.as_str(), &path)?;
        self.document.operations.get(position)
    }
}
