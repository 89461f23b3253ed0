//! `ANY /gateway/p/{provider}/{path}`: the call goes on as it came, but for the credential.

use axum::extract::{Request, State};
use axum::response::Response;
use countersign_core::ids::ProjectId;
use countersign_gateway::admit::{Caller, NotAdmitted, Unavailable, admit};
use countersign_gateway::canonical_path::{CanonicalPath, PathParameters};
use countersign_gateway::framing;
use countersign_gateway::policy::{self, Denied, ProviderName};
use countersign_gateway::query::Query;
use http::Uri;
use http::request::Parts;

use super::callers::Installation;
use super::in_process::{self, Admitted, InProcess};
use super::{Gateway, GatewayRefusal};
use crate::app::App;
use crate::http::request::RequestContext;

/// Where the paths begin.
const PREFIX: &str = "/gateway/p/";

pub(super) async fn pass_through(
    State(gateway): State<Gateway>,
    context: RequestContext,
    request: Request,
) -> Result<Response, GatewayRefusal> {
    let (head, body) = request.into_parts();
    framing::check(&head)?;
    let app = &gateway.0.app;
    let caller = admit(&Installation(app), &head.headers).await?;
    let target = Target::of(&head.uri)?;
    let provider = known_provider(&gateway, &target.provider)?;
    allow(provider, &caller, &head, &target)?;
    let admitted = standing(app, &caller).await?;
    let call = in_process::Call {
        uri: target.uri()?,
        method: head.method,
        headers: head.headers,
        body,
    };
    Ok(provider.answer(call, admitted, context).await)
}

/// Where a call wants to go.
struct Target {
    provider: ProviderName,
    path: CanonicalPath,
    query: Option<Query>,
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, GatewayRefusal> {
        let below = uri.path().strip_prefix(PREFIX).unwrap_or_default();
        let (provider, path) = below.split_at(below.find('/').unwrap_or(below.len()));
        // A name that no provider can have hides none.
        let provider = provider.parse().map_err(|_| GatewayRefusal::no_such_name())?;
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self {
            provider,
            path: CanonicalPath::parse(path, PathParameters::Refused)?,
            query: uri.query().map(Query::parse).transpose()?,
        })
    }

    /// What goes on is what was judged.
    fn uri(&self) -> Result<Uri, GatewayRefusal> {
        let text = match &self.query {
            Some(query) => format!("{}?{}", self.path, query.as_str()),
            None => self.path.to_string(),
        };
        text.parse().map_err(|_| GatewayRefusal::no_such_name())
    }
}

/// A provider that does not exist is answered like one that the caller may not call.
fn known_provider<'a>(gateway: &'a Gateway, name: &ProviderName) -> Result<&'a InProcess, Denied> {
    if name.as_str() == in_process::NAME {
        Ok(&gateway.0.countersign)
    } else {
        Err(Denied::to_stranger(name))
    }
}

fn allow(provider: &InProcess, caller: &Caller, head: &Parts, target: &Target) -> Result<(), Denied> {
    let segments: Vec<_> = target.path.segments().collect();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let decoded = format!("/{}", segments.join("/"));
    let operation = provider.operation(&head.method, &decoded);
    let call = policy::Call {
        method: &head.method,
        path: &segments,
        operation: operation.map(|operation| operation.name.as_str()),
        websocket: false,
    };
    provider.policy.decide(&caller.scopes, call).map(|_| ())
}

async fn standing(app: &App, caller: &Caller) -> Result<Admitted, GatewayRefusal> {
    let gone = || GatewayRefusal::from(NotAdmitted::from(Unavailable));
    let id: ProjectId = caller.project_id.parse().map_err(|_| gone())?;
    let project = app.live_project(&id).await?;
    Ok(Admitted {
        project: project.ok_or_else(gone)?,
        client_id: caller.client_id.clone(),
        scopes: caller.scopes.as_str().into(),
    })
}
