//! `ANY /gateway/p/{provider}/{path}`: the call goes on as it came, but for the credential.

use axum::extract::{Request, State};
use axum::response::Response;
use countersign_gateway::canonical_path::CanonicalPath;
use countersign_gateway::framing;
use countersign_gateway::headers::up::wants_websocket;
use countersign_gateway::query::Query;
use http::Uri;
use hyper::upgrade::OnUpgrade;

use super::admission::{Admission, Wish};
use super::call_line::CallLine;
use super::provider::Call;
use super::{Gateway, GatewayRefusal};
use crate::http::request::RequestContext;

/// Where the paths begin.
const PREFIX: &str = "/gateway/p/";

pub(super) async fn pass_through(
    State(gateway): State<Gateway>,
    context: RequestContext,
    request: Request,
) -> Result<Response, GatewayRefusal> {
    let mut line = CallLine::begin(&context, request.method(), gateway.0.app.now());
    match admitted(&gateway, request, &mut line).await {
        Ok((call, admission)) => admission.send(&gateway, call, context, line).await,
        Err(refusal) => {
            line.refused(&refusal);
            Err(refusal)
        }
    }
}

async fn admitted(
    gateway: &Gateway,
    request: Request,
    line: &mut CallLine,
) -> Result<(Call, Admission), GatewayRefusal> {
    let (mut head, body) = request.into_parts();
    framing::check(&head)?;
    let caller = gateway.admit(&head.headers).await?;
    line.caller(&caller, &head.headers);
    let (name, path) = target(&head.uri);
    let known = gateway.known(caller, name).await?;
    line.provider(name);
    let path = CanonicalPath::parse(path, known.provider.path_parameters)?;
    let query = head.uri.query().map(Query::parse).transpose()?;
    line.target(&path, query.as_ref());
    let wish = Wish {
        method: &head.method,
        path: &path,
        websocket: wants_websocket(&head.headers),
    };
    let admission = known.allow(wish)?;
    line.admitted(&admission);
    let connection = head.extensions.remove::<OnUpgrade>();
    let call = Call {
        websocket: connection.filter(|_| wish.websocket),
        method: head.method,
        version: head.version,
        path,
        query,
        headers: head.headers,
        body,
    };
    Ok((call, admission))
}

/// The provider's name, and the path below its base.
fn target(uri: &Uri) -> (&str, &str) {
    let below = uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let (provider, path) = below.split_at(below.find('/').unwrap_or(below.len()));
    (provider, if path.is_empty() { "/" } else { path })
}
