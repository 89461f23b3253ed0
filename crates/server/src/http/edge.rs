//! The edge: what every request passes through on its way in and every answer on its way out.
//!
//! One function instead of a stack of layers, so that the order is plain and a token request pays for each thing once:
//! tidy the path, give the request an id, bound its time, catch a panic, write out errors in their style, count, log.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::json;
use tracing::Instrument;

use super::request::RequestContext;
use crate::app::App;
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
}

/// Header with the request id, on every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Passes a request through the edge.
pub async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let context = RequestContext::of(&request, &app.config.server.trusted_proxies);
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    request.extensions_mut().insert(context.clone());
    // For whoever follows one request through the libraries; otherwise the line at the end is all, and costs nothing here.
    let span = tracing::debug_span!("request", request.id = %context.request_id);
    let mut answered = answer(&app, request, next).instrument(span).await;
    let error = answered.extensions_mut().remove::<ErrorAnswer>();
    let response = written_out(&app, answered, error.as_ref(), &context);
    // The route, never the path: an id in a metric's label is a metric per client, and a path may hold anything.
    let route = route.as_deref().unwrap_or("none");
    crate::metrics::request(&method, route, response.status(), started.elapsed());
    log(
        &method,
        route,
        response.status(),
        started,
        &context,
        error.as_ref(),
    );
    response
}

/// Runs the handler within the time and the number of requests allowed, and survives its panic.
async fn answer(app: &App, request: Request, next: Next) -> Response {
    let Ok(_place) = app.places.try_acquire() else {
        return Problem::unavailable("The service is at its limit of concurrent requests.", 1)
            .into_response();
    };
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(app.config.server.request_timeout, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            Problem::failed("a handler panicked; its message is on standard error").into_response()
        }
        Err(_elapsed) => ErrorType::RequestTimeout
            .because("The request took too long.")
            .into_response(),
    }
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
        response = (status, headers, axum::Json(body)).into_response();
    }
    let headers = response.headers_mut();
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
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
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
        }
    }

    fn cause(&self) -> Option<&str> {
        match self {
            Self::Api(problem) => problem.cause.as_deref(),
            Self::OAuth(_) => None,
        }
    }

    fn written(&self, public_url: &str, request_id: &str) -> (serde_json::Value, HeaderMap) {
        let status = self.status();
        let mut headers = HeaderMap::new();
        let (body, retry_after) = match self {
            Self::Api(problem) => {
                let name = problem.error_type.name();
                let body = json!({
                    "status_code": status.as_u16(),
                    "request_id": request_id,
                    "error_type": name,
                    "error_message": problem.message,
                    "error_url": format!("{public_url}/errors/{name}"),
                });
                (body, problem.retry_after)
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
            };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        (body, headers)
    }
}

/// One line a request, with the cause where there is one: everyday traffic at debug, the rest at info.
fn log(
    method: &Method,
    route: &str,
    status: StatusCode,
    started: Instant,
    context: &RequestContext,
    error: Option<&ErrorAnswer>,
) {
    let (request_id, address) = (context.request_id.as_str(), context.address);
    let (status, micros) = (status.as_u16(), started.elapsed().as_micros());
    let cause = error.and_then(ErrorAnswer::cause);
    let everyday = *method == Method::GET || route.ends_with("/oauth2/token");
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
