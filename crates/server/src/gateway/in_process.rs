//! The provider `countersign`: the operations with which a backend manages clients, answered in this process.
//!
//! No project secret is needed, because none leaves: the caller's token stands for a client of the project, and the handlers are told
//! so by a value that no request can bring along. Token, key and admin routes are not reached this way.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use countersign_gateway::document::{Document, Operation, OperationIndex};
use countersign_gateway::policy::{Policy, ProviderName};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Method, Uri};
use tower::ServiceExt as _;

use crate::app::App;
use crate::http::request::RequestContext;
use crate::keys::LiveProject;
use crate::openapi;
use crate::router::{management_routes, method_not_allowed, route_not_found};

/// Its name.
pub(super) const NAME: &str = "countersign";

/// A client that calls through the gateway, for the extractors of the handlers. Only the gateway puts one beside a request.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The client's project.
    pub project: Arc<LiveProject>,
    /// The client.
    pub client_id: String,
    /// The gateway scopes that it holds.
    pub scopes: Arc<str>,
}

/// The provider.
pub(super) struct InProcess {
    pub(super) policy: Policy,
    document: Document,
    index: OperationIndex,
    routes: Router,
}

/// What is asked of it.
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query.
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

impl InProcess {
    #[expect(
        clippy::expect_used,
        reason = "all of it is part of this program; a test makes one"
    )]
    pub(super) fn new(app: App) -> Self {
        let name: ProviderName = NAME.parse().expect("a provider's name");
        let document = serde_json::to_vec(&openapi::management_document()).expect("a document of our own");
        let document = Document::read(&document, None).expect("a document of our own");
        Self {
            policy: Policy::new(name, Vec::new()).expect("no rules"),
            index: OperationIndex::new(&document.operations),
            document,
            routes: Router::from(management_routes())
                .fallback(route_not_found)
                .method_not_allowed_fallback(method_not_allowed)
                .with_state(app),
        }
    }

    /// The operation that method and decoded path are.
    pub(super) fn operation(&self, method: &Method, path: &str) -> Option<&Operation> {
        let position = self.index.matching(method.as_str(), path)?;
        self.document.operations.get(position)
    }

    /// Answers a call that was allowed. Of the caller's headers those go on that say what the body is and who wrote the call.
    pub(super) async fn answer(&self, call: Call, admitted: Admitted, context: RequestContext) -> Response {
        let mut request = Request::new(call.body);
        *request.method_mut() = call.method;
        *request.uri_mut() = call.uri;
        for name in [CONTENT_TYPE, USER_AGENT] {
            if let Some(value) = call.headers.get(&name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        request.extensions_mut().insert(admitted);
        request.extensions_mut().insert(context);
        match self.routes.clone().oneshot(request).await {
            Ok(response) => response.into_response(),
            Err(never) => match never {},
        }
    }
}
