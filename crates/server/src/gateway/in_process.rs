//! The provider `countersign`: the operations with which a backend manages clients, answered in this process.
//!
//! No project secret is needed, because none leaves: the caller's token stands for a client of the project, and the handlers are told
//! so by a value that no request can bring along. Token, key and admin routes are not reached this way.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use countersign_core::ids::ProjectId;
use countersign_gateway::admit::{NotAdmitted, Unavailable};
use countersign_gateway::canonical_path::PathParameters;
use countersign_gateway::document::Document;
use countersign_gateway::policy::{Policy, ProviderName};
use http::Uri;
use http::header::{CONTENT_TYPE, USER_AGENT};
use tower::ServiceExt as _;

use super::GatewayRefusal;
use super::admission::Admission;
use super::provider::{Call, Catalogue, Provider, Upstream};
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

/// The routes.
pub(super) struct InProcess(Router);

/// The provider.
#[expect(
    clippy::expect_used,
    reason = "all of it is part of this program; a test makes one"
)]
pub(super) fn provider(app: App) -> Provider {
    let name: ProviderName = NAME.parse().expect("a provider's name");
    let document = serde_json::to_vec(&openapi::management_document()).expect("a document of our own");
    let document = Document::read(&document, None).expect("a document of our own");
    let routes = Router::from(management_routes())
        .fallback(route_not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app);
    Provider {
        policy: Policy::new(name, Vec::new()).expect("no rules"),
        catalogue: Arc::new(Catalogue::new(document)),
        path_parameters: PathParameters::Refused,
        upstream: Upstream::InProcess(InProcess(routes)),
    }
}

impl InProcess {
    /// Answers a call that was allowed. Of the caller's headers those go on that say what the body is and who wrote the call.
    pub(super) async fn answer(
        &self,
        app: &App,
        call: Call,
        admission: &Admission,
        context: RequestContext,
    ) -> Result<Response, GatewayRefusal> {
        let admitted = admitted(app, admission).await?;
        let uri = target(&call)?;
        let mut request = Request::new(call.body);
        *request.method_mut() = call.method;
        *request.uri_mut() = uri;
        for name in [CONTENT_TYPE, USER_AGENT] {
            if let Some(value) = call.headers.get(&name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        request.extensions_mut().insert(admitted);
        request.extensions_mut().insert(context);
        match self.0.clone().oneshot(request).await {
            Ok(response) => Ok(response.into_response()),
            Err(never) => match never {},
        }
    }
}

/// What goes on is what was judged.
fn target(call: &Call) -> Result<Uri, GatewayRefusal> {
    let text = match &call.query {
        Some(query) => format!("{}?{}", call.path, query.as_str()),
        None => call.path.to_string(),
    };
    text.parse().map_err(|_| GatewayRefusal::no_such_name())
}

async fn admitted(app: &App, admission: &Admission) -> Result<Admitted, GatewayRefusal> {
    let caller = &admission.caller;
    let gone = || GatewayRefusal::from(NotAdmitted::from(Unavailable));
    let id: ProjectId = caller.project_id.parse().map_err(|_| gone())?;
    let project = app.live_project(&id).await?;
    Ok(Admitted {
        project: project.ok_or_else(gone)?,
        client_id: caller.client_id.clone(),
        scopes: caller.scopes.as_str().into(),
    })
}
