//! `POST /gateway/tools/{provider}/{operation}`: a flat object of arguments becomes a call.
//!
//! What the arguments make is judged like any other call, by its method and path. The name only says how to place them: arguments that
//! turn one operation's path into another's have made a call of that other one.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use countersign_gateway::framing;
use http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use serde_json::{Map, Value};

use super::admission::{Admission, Known, Wish};
use super::call_line::CallLine;
use super::placing::{Target, faults, without_nulls};
use super::provider::{Call, method};
use super::{Gateway, GatewayRefusal};
use crate::app::App;
use crate::http::json::{is_json, parse_object};
use crate::http::params::Path;
use crate::http::request::{RequestContext, read_body};
use crate::problem::{ErrorType, Problem};

/// Of the caller's own fields those go on that say what it wants to be answered, who it is, and which trace it belongs to. The others
/// are about the object of arguments, which goes no further.
static KEPT: [HeaderName; 6] = [
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    USER_AGENT,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

pub(super) async fn call_operation(
    State(gateway): State<Gateway>,
    context: RequestContext,
    names: Result<Path<(String, String)>, Problem>,
    request: Request,
) -> Result<Response, GatewayRefusal> {
    let mut line = CallLine::begin(&context, request.method(), gateway.0.app.now());
    match admitted(&gateway, names, request, &mut line).await {
        Ok((call, admission)) => admission.send(&gateway, call, context, line).await,
        Err(refusal) => {
            line.refused(&refusal);
            Err(refusal)
        }
    }
}

async fn admitted(
    gateway: &Gateway,
    names: Result<Path<(String, String)>, Problem>,
    request: Request,
    line: &mut CallLine,
) -> Result<(Call, Admission), GatewayRefusal> {
    let (head, body) = request.into_parts();
    framing::check(&head)?;
    let caller = gateway.admit(&head.headers).await?;
    line.caller(&caller, &head.headers);
    let Path((provider, operation)) = names?;
    let known = gateway.known(caller, &provider).await?;
    line.provider(&provider);
    let arguments = object(&gateway.0.app, &head.headers, body).await?;
    let call = OperationCall::new(known, &operation, arguments)?;
    Ok(call.of(head.version, kept(&head.headers, &KEPT), line))
}

/// All of a body. Reading it has a time of its own: calls may take a day, and this is none yet.
pub(super) async fn whole(app: &App, body: Body) -> Result<Bytes, GatewayRefusal> {
    let within = app.config.server.request_timeout;
    let late = |_| ErrorType::RequestTimeout.because("The body took too long.");
    let read = tokio::time::timeout(within, read_body(body, app)).await;
    Ok(read.map_err(late)??)
}

/// The members of a body.
pub(super) async fn object(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<Map<String, Value>, GatewayRefusal> {
    let body = whole(app, body).await?;
    let is_other = |value: &HeaderValue| !is_json(value.as_bytes());
    if !body.is_empty() && headers.get(CONTENT_TYPE).is_some_and(is_other) {
        let message = "Send the body as Content-Type: application/json.";
        return Err(ErrorType::UnsupportedMediaType.because(message).into());
    }
    Ok(parse_object(&body)?)
}

/// The fields of these names.
pub(super) fn kept(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let fields = names.iter().flat_map(|name| {
        let values = headers.get_all(name).iter();
        values.map(move |value| (name.clone(), value.clone()))
    });
    fields.collect()
}

/// A call of an operation that a rule allows and whose arguments fit.
pub(super) struct OperationCall {
    pub(super) admission: Admission,
    pub(super) method: Method,
    pub(super) target: Target,
}

impl OperationCall {
    /// Places the arguments, asks the rules, and then judges the arguments: who may not call hears nothing of what would fit.
    pub(super) fn new(
        known: Known,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<Self, GatewayRefusal> {
        let provider = known.provider.clone();
        let catalogue = &provider.catalogue;
        let operation = catalogue
            .named(name)
            .ok_or_else(GatewayRefusal::no_such_operation)?;
        let method = method(operation)?;
        let arguments = without_nulls(operation, arguments);
        let schema = || catalogue.document.arguments_schema(operation).value();
        let target = match Target::new(operation, &arguments, provider.path_parameters) {
            Ok(target) => target,
            Err(unplaced) => {
                known.allow_any(operation)?;
                return Err(unplaced.refusal(|| faults(&schema(), arguments)));
            }
        };
        let wish = Wish {
            method: &method,
            path: &target.path,
            websocket: false,
        };
        let admission = known.allow(wish)?;
        let faults = faults(&schema(), arguments);
        if !faults.is_empty() {
            return Err(GatewayRefusal::invalid_arguments(faults));
        }
        Ok(Self {
            admission,
            method,
            target,
        })
    }

    /// As it goes on, with these fields beside the arguments.
    pub(super) fn of(self, version: Version, beside: HeaderMap, line: &mut CallLine) -> (Call, Admission) {
        line.method(&self.method);
        line.target(&self.target.path, self.target.query.as_ref());
        line.admitted(&self.admission);
        let mut headers = beside;
        // An argument says more than the library that carries it.
        for name in self.target.headers.keys() {
            headers.remove(name);
        }
        headers.extend(self.target.headers);
        let call = Call {
            method: self.method,
            version,
            path: self.target.path,
            query: self.target.query,
            headers,
            body: self.target.body,
            websocket: None,
        };
        (call, self.admission)
    }
}
