//! What a tool answers: the provider's answer as text, and as structure where it is JSON; or why there is none.

use std::time::Duration;

use axum::response::Response;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use rmcp::model::{CallToolResult, ContentBlock};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::GatewayRefusal;
use crate::http::json::is_json;
use crate::http::request::RequestContext;
use crate::problem::Problem;

/// The longest answer that becomes a result, in bytes: no model reads more, and it is held in memory.
const MOST_BYTES: usize = 1024 * 1024;
/// How long the body of an answer may take. A stream of events need not end, and a result must.
const WITHIN: Duration = Duration::from_secs(60);

/// Of the request's own fields those go on that are not about the protocol.
static KEPT: [HeaderName; 3] = [
    USER_AGENT,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// The fields of a call whose answer becomes a result: plain text, JSON if there is a choice.
pub(super) fn asked_for(headers: &HeaderMap) -> HeaderMap {
    let mut asked = super::super::operation_call::kept(headers, &KEPT);
    asked.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
    asked.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    asked
}

/// A result of our own.
pub(super) fn json(value: &impl Serialize) -> Result<CallToolResult, GatewayRefusal> {
    let value = serde_json::to_value(value).map_err(|error| Problem::internal(&error))?;
    let mut result = CallToolResult::success(vec![ContentBlock::text(value.to_string())]);
    result.structured_content = Some(value);
    Ok(result)
}

/// The gateway's no, in words, and as structure for whoever acts on it.
pub(super) fn refused(refusal: &GatewayRefusal) -> CallToolResult {
    let mut text = format!(
        "Refused by the gateway ({}): {}",
        refusal.reason, refusal.problem.message
    );
    if let Some(scope) = &refusal.helps.needed_scope {
        text.push_str(&format!(" The scope {scope} is needed."));
    }
    if let Some(seconds) = refusal.problem.retry_after {
        text.push_str(&format!(" Try again in {seconds} s."));
    }
    for fault in &refusal.helps.faults {
        text.push_str(&format!("\n{} {}", fault.field, fault.problem));
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(json!({
        "refused_by": "gateway",
        "reason": refusal.reason,
        "needed_scope": refusal.helps.needed_scope,
        "rule": refusal.helps.rule,
        "arguments": refusal.told_faults(),
    }));
    result
}

/// Why there is none is the operator's to know where it is not the caller's doing. Answers of HTTP are logged by the edge, this one is not.
pub(super) fn log_cause(context: &RequestContext, refusal: &GatewayRefusal) {
    if let Some(cause) = &refusal.problem.cause {
        tracing::error!(request.id = context.request_id, cause, "a tool failed");
    }
}

/// The provider's answer.
pub(super) async fn answered(answer: Response) -> CallToolResult {
    let (head, body) = answer.into_parts();
    let status = head.status;
    let failed =
        |what: &str| CallToolResult::error(vec![ContentBlock::text(format!("HTTP {status}: {what}"))]);
    let body = match tokio::time::timeout(WITHIN, Limited::new(body, MOST_BYTES).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return failed("the answer is longer than a tool's result may be. Ask for less.");
        }
        Ok(Err(_)) => return failed("the answer broke off."),
        Err(_) => return failed("the answer did not end in time."),
    };
    let is_encoded = head.headers.contains_key(CONTENT_ENCODING);
    let Some(text) = std::str::from_utf8(&body).ok().filter(|_| !is_encoded) else {
        return failed("the answer is no text.");
    };
    let is_json = |value: &HeaderValue| is_json(value.as_bytes());
    let structured = head.headers.get(CONTENT_TYPE).is_some_and(is_json);
    let structured = structured
        .then(|| serde_json::from_str::<Value>(text).ok())
        .flatten();
    let mut result = if status.is_success() {
        let told = if text.is_empty() {
            format!("HTTP {status}")
        } else {
            text.to_owned()
        };
        CallToolResult::success(vec![ContentBlock::text(told)])
    } else {
        failed(text)
    };
    result.structured_content = structured;
    result
}
