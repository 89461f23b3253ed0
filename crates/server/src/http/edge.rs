//! The edge: what every request passes through on its way in and every answer on its way out.
//!
//! One service around each route instead of a stack of layers, so that the order is plain and a token request pays for each
//! thing once: give the request an id, bound its time, catch a panic, write out errors in their style, count, log.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use axum::routing::future::RouteFuture;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::header::{REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use serde_json::json;
use tower::layer::layer_fn;
use tower::{Layer, Service};
use tracing::Instrument;

use super::request::RequestContext;
use crate::app::App;
use crate::gateway::GatewayRefusal;
use crate::oauth::error::OAuthError;
use crate::problem::{ErrorType, Problem};

/// An error on its way out, in the style its endpoint speaks. Never both in one body: the Rust SDK reads them as
/// aliases and fails (wire contract 4.5).
#[derive(Debug, Clone)]
pub enum ErrorAnswer {
    /// The API's style.
    Api(Problem),
    /// RFC 6749 section 5.2.
    OAuth(OAuthError),
    /// The API's style, and what the gateway says beside. In a box, because it is by far the largest.
    Gateway(Box<GatewayRefusal>),
}

/// Answered however many others are: a probe that is refused gets a busy process restarted, which helps nobody.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];
/// Calls through the gateway have the limits of their provider.
const GATEWAY: &str = "/gateway/";
/// A call whose provider has no limit that ends it sooner: an upload of a day.
const LONGEST_CALL: Duration = Duration::from_secs(24 * 60 * 60);
/// Room for what an answer usually carries; a map that grows is made twice.
const HEADERS: usize = 8;
/// Whose error an answer is, at the gateway.
const COUNTERSIGN_ERROR: HeaderName = HeaderName::from_static("countersign-error");
/// Header with the request id, on every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts a service behind the edge.
pub fn layer(app: App) -> impl Layer<Route, Service = Edge> + Clone {
    layer_fn(move |inner| Edge {
        app: app.clone(),
        inner,
    })
}

/// A route behind the edge. Not a function for `from_fn`: that boxes what it passes on, and each token pays for it.
#[derive(Clone)]
pub struct Edge {
    app: App,
    inner: Route,
}

/// What is remembered of a request until its answer leaves.
struct Seen {
    started: Instant,
    method: Method,
    version: Version,
    /// The route, never the path: an id in a metric's label is a metric per client, and a path may hold anything.
    route: Option<MatchedPath>,
    context: RequestContext,
}

impl Service<Request> for Edge {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.inner, context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let seen = Seen::of(&request, &self.app);
        request.extensions_mut().insert(seen.context.clone());
        // For whoever follows one request through the libraries; otherwise the line at the end is all, and costs nothing here.
        let span = tracing::debug_span!("request", request.id = %seen.context.request_id);
        let handled = self.inner.call(request);
        let app = self.app.clone();
        Box::pin(async move {
            let answered = bounded(&app, &seen, handled).instrument(span).await;
            Ok(sent(&app, answered, &seen))
        })
    }
}

impl Seen {
    fn of(request: &Request, app: &App) -> Self {
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            version: request.version(),
            route: request.extensions().get().cloned(),
            context: RequestContext::of(request, &app.config.server.trusted_proxies),
        }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }
}

/// Runs the handler within the time and the number of requests allowed, and survives its panic.
async fn bounded(app: &App, seen: &Seen, handled: RouteFuture<Infallible>) -> Response {
    let place = app.places.try_acquire();
    if place.is_err() && !PROBES.contains(&seen.route()) {
        return Problem::unavailable("The service is at its limit of concurrent requests.", 1)
            .into_response();
    }
    let handled = AssertUnwindSafe(handled).catch_unwind();
    let time = if seen.route().starts_with(GATEWAY) {
        LONGEST_CALL
    } else {
        app.config.server.request_timeout
    };
    match tokio::time::timeout(time, handled).await {
        Ok(Ok(response)) => response.into_response(),
        Ok(Err(_panic)) => {
            Problem::failed("a handler panicked; its message is on standard error").into_response()
        }
        Err(_elapsed) => ErrorType::RequestTimeout
            .because("The request took too long.")
            .into_response(),
    }
}

/// The answer as it leaves, counted and logged.
fn sent(app: &App, mut answered: Response, seen: &Seen) -> Response {
    let error = answered.extensions_mut().remove::<ErrorAnswer>();
    let mut response = written_out(app, answered, error.as_ref(), &seen.context);
    // HTTP/2 has no such header: there the connection says goodbye by itself.
    if seen.version < Version::HTTP_2 && app.stopping.has_begun() {
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let route = seen.route();
    let (status, took) = (response.status(), seen.started.elapsed());
    crate::metrics::request(&seen.method, route, status, took);
    log(&seen.method, route, status, took, &seen.context, error.as_ref());
    response
}

/// Errors get their body, every answer its headers.
fn written_out(
    app: &App,
    mut response: Response,
    error: Option<&ErrorAnswer>,
    context: &RequestContext,
) -> Response {
    if let Some(error) = error {
        let (body, headers) = error.written(&app.public_url, &context.request_id);
        let status = error.status();
        // Beside what layers inside have said of the answer, as to pages of other origins.
        let said = std::mem::take(response.headers_mut());
        response = (status, headers, axum::Json(body)).into_response();
        response.headers_mut().extend(said);
    }
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // Answers hold secrets and tokens: none may rest in a cache unless its handler says so.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
    {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
        // Beside the one that the gateway gives a provider's page: of several, each restricts further.
        headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

impl ErrorAnswer {
    fn status(&self) -> StatusCode {
        match self {
            Self::Api(problem) => problem.error_type.status(),
            Self::OAuth(error) => error.status(),
            Self::Gateway(refusal) => refusal.problem.error_type.status(),
        }
    }

    fn cause(&self) -> Option<&str> {
        match self {
            Self::Api(problem) => problem.cause.as_deref(),
            Self::Gateway(refusal) => refusal.problem.cause.as_deref(),
            Self::OAuth(_) => None,
        }
    }

    fn written(&self, public_url: &str, request_id: &str) -> (serde_json::Value, HeaderMap) {
        let status = self.status();
        let mut headers = HeaderMap::new();
        let (body, retry_after) = match self {
            Self::Api(problem) => (api_body(problem, public_url, request_id), problem.retry_after),
            Self::Gateway(refusal) => {
                let mut body = api_body(&refusal.problem, public_url, request_id);
                body["reason"] = refusal.reason.into();
                let helps = &refusal.helps;
                for (name, value) in [("rule", &helps.rule), ("needed_scope", &helps.needed_scope)] {
                    if let Some(value) = value {
                        body[name] = value.as_str().into();
                    }
                }
                if !refusal.helps.faults.is_empty() {
                    body["arguments"] = refusal.told_faults().into();
                }
                headers.insert(COUNTERSIGN_ERROR, HeaderValue::from_static("gateway"));
                headers.extend(refusal.fields());
                (body, refusal.problem.retry_after)
            }
            Self::OAuth(error) => {
                let body = json!({
                    "status_code": status.as_u16(),
                    "request_id": request_id,
                    "error": error.code.name(),
                    "error_description": error.description,
                    "error_uri": format!("{public_url}/errors/{}", error.code.name()),
                });
                (body, error.retry_after)
            }
        };
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2: a 401 names the scheme.
            let scheme = match self {
                Self::Api(_) => {
                    "Basic realm=\"Countersign\", charset=\"UTF-8\", Bearer realm=\"Countersign\""
                }
                Self::OAuth(_) => "Basic realm=\"Countersign\", charset=\"UTF-8\"",
                // RFC 6750 section 3.1: without credentials there is no error.
                Self::Gateway(refusal) if refusal.reason == "missing_token" => {
                    "Bearer realm=\"Countersign gateway\""
                }
                Self::Gateway(_) => "Bearer realm=\"Countersign gateway\", error=\"invalid_token\"",
            };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        (body, headers)
    }
}

fn api_body(problem: &Problem, public_url: &str, request_id: &str) -> serde_json::Value {
    let name = problem.error_type.name();
    json!({
        "status_code": problem.error_type.status().as_u16(),
        "request_id": request_id,
        "error_type": name,
        "error_message": problem.message,
        "error_url": format!("{public_url}/errors/{name}"),
    })
}

/// One line a request, with the cause where there is one: everyday traffic at debug, the rest at info.
fn log(
    method: &Method,
    route: &str,
    status: StatusCode,
    took: Duration,
    context: &RequestContext,
    error: Option<&ErrorAnswer>,
) {
    let (request_id, address) = (context.request_id.as_str(), context.address);
    let (status, micros) = (status.as_u16(), took.as_micros());
    let cause = error.and_then(ErrorAnswer::cause);
    // A call through the gateway has a line of its own.
    let everyday = *method == Method::GET || route.ends_with("/oauth2/token") || route.starts_with(GATEWAY);
    // Never the method itself: a caller may write anything into one.
    let method = crate::metrics::method_label(method);
    if let Some(cause) = cause {
        tracing::error!(request.id = request_id, method, route, status, micros, %address, cause, "failed");
    } else if status >= 500 {
        tracing::warn!(request.id = request_id, method, route, status, micros, %address, "answered");
    } else if everyday {
        tracing::debug!(request.id = request_id, method, route, status, micros, %address, "answered");
    } else {
        tracing::info!(request.id = request_id, method, route, status, micros, %address, "answered");
    }
}
