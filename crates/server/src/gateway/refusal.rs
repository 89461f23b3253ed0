//! Why the gateway does not let a call through, as its caller hears it.
//!
//! The body is the API's, with `reason`, `rule` and `needed_scope` beside; the header `Countersign-Error: gateway` tells it from an
//! error of the provider, which passes as it is.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use countersign_gateway::admit::NotAdmitted;
use countersign_gateway::arguments::Fault;
use countersign_gateway::canonical_path::PathRefusal;
use countersign_gateway::forward::{ForwardError, RateLimited, Unit};
use countersign_gateway::framing::FramingRefusal;
use countersign_gateway::policy::Denied;
use countersign_gateway::query::QueryRefusal;
use http::header::ALLOW;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::http::edge::ErrorAnswer;
use crate::problem::{ErrorType, Problem, sentence};

/// What RFC 9110 section 15.5.6 wants beside a 405. Methods that only some providers know are forwarded as well.
const USUAL_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// A call that did not go on.
#[derive(Debug, Clone)]
pub struct GatewayRefusal {
    /// As an error of the API.
    pub problem: Problem,
    /// Why, in a stable word.
    pub reason: &'static str,
    /// What would help. In a box, or every result that may be a refusal would be as large.
    pub helps: Box<Helps>,
}

/// What would let a call through that was refused.
#[derive(Debug, Clone, Default)]
pub struct Helps {
    /// The rule that would allow it.
    pub rule: Option<String>,
    /// The scope that would help.
    pub needed_scope: Option<String>,
    /// The rate that is used up.
    pub rate: Option<RateLimited>,
    /// What is wrong with the arguments of an operation.
    pub faults: Vec<Fault>,
}

impl GatewayRefusal {
    fn new(status: StatusCode, reason: &'static str, error: &impl std::fmt::Display) -> Self {
        let error_type = match status {
            StatusCode::UNAUTHORIZED => ErrorType::UnauthorizedCredentials,
            StatusCode::FORBIDDEN => ErrorType::InsufficientPermissions,
            StatusCode::METHOD_NOT_ALLOWED => ErrorType::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorType::RequestTooLarge,
            StatusCode::TOO_MANY_REQUESTS => ErrorType::TooManyRequests,
            StatusCode::SERVICE_UNAVAILABLE => ErrorType::ServiceUnavailable,
            StatusCode::BAD_GATEWAY => ErrorType::ProviderFailed,
            StatusCode::GATEWAY_TIMEOUT => ErrorType::ProviderTimedOut,
            _ => ErrorType::BadRequest,
        };
        Self {
            problem: error_type.because(sentence(error)),
            reason,
            helps: Box::default(),
        }
    }

    /// The fields that stand beside its body.
    pub fn fields(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let is_method = self.problem.error_type == ErrorType::MethodNotAllowed;
        let allow = is_method.then(|| (ALLOW, HeaderValue::from_static(USUAL_METHODS)));
        allow.into_iter().chain(self.rate_fields())
    }

    /// Those that tell of a rate (draft-ietf-httpapi-ratelimit-headers).
    fn rate_fields(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let fields = self.helps.rate.map(|rate| {
            let wait = whole_seconds(rate.retry_after);
            [
                (
                    "ratelimit-policy",
                    format!(
                        "\"{}\";q={}{};w={}",
                        rate.policy,
                        rate.quota,
                        quota_unit(rate.unit),
                        rate.window.as_secs()
                    ),
                ),
                ("ratelimit", format!("\"{}\";r=0;t={wait}", rate.policy)),
            ]
        });
        fields.into_iter().flatten().filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
        })
    }

    /// What is wrong with the arguments, as it is told.
    pub fn told_faults(&self) -> Vec<Value> {
        let told = |fault: &Fault| json!({ "field": fault.field, "reason": fault.fault.code(), "problem": fault.problem });
        self.helps.faults.iter().map(told).collect()
    }

    /// The path names no provider.
    pub fn no_such_name() -> Self {
        Self {
            problem: ErrorType::RouteNotFound.because("No provider can have this name."),
            reason: "no_such_provider",
            helps: Box::default(),
        }
    }

    /// The provider's document has no such operation. Said only to those who know the provider.
    pub fn no_such_operation() -> Self {
        let problem = ErrorType::RouteNotFound.because("The provider has no operation of this name.");
        Self {
            reason: "no_such_operation",
            ..problem.into()
        }
    }

    /// The arguments do not fit the operation.
    pub fn invalid_arguments(faults: Vec<Fault>) -> Self {
        let problem = ErrorType::InvalidRequestValue
            .because("The arguments do not fit the operation. Nothing was sent.");
        let mut own = Self::from(problem);
        own.reason = "invalid_arguments";
        own.helps.faults = faults;
        own
    }

    /// The operation is at a host that the operator did not list.
    pub fn operation_elsewhere() -> Self {
        let message =
            "The provider's document has this operation at another host, which the operator has not allowed.";
        Self {
            problem: ErrorType::InsufficientPermissions.because(message),
            reason: "operation_elsewhere",
            helps: Box::default(),
        }
    }

    /// The credential is missing, does not open, or is for another place. Why is the operator's to know.
    pub fn credential_unusable(cause: String) -> Self {
        let message = "The provider's credential cannot be used. The request id finds the reason in the log.";
        let mut problem = ErrorType::ProviderFailed.because(message);
        problem.cause = Some(cause);
        Self {
            problem,
            reason: "credential_unusable",
            helps: Box::default(),
        }
    }
}

impl From<ForwardError> for GatewayRefusal {
    fn from(error: ForwardError) -> Self {
        let mut own = Self::new(error.status(), error.code(), &error);
        own.problem.retry_after = error.retry_after().map(whole_seconds);
        own.problem.cause = error.detail();
        if let ForwardError::RateLimited(rate) | ForwardError::QuotaUsed(rate) = error {
            own.helps.rate = Some(rate);
        }
        own
    }
}

/// The draft's word for what is counted; requests need none.
fn quota_unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Calls => "",
        Unit::Bytes => ";qu=\"content-bytes\"",
    }
}

/// A caller that comes back a moment early is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl From<NotAdmitted> for GatewayRefusal {
    fn from(refusal: NotAdmitted) -> Self {
        let mut own = Self::new(refusal.status(), refusal.code(), &refusal);
        if refusal.status() == StatusCode::SERVICE_UNAVAILABLE {
            own.problem.retry_after = Some(1);
        }
        if own.reason == "wrong_audience" {
            own.problem
                .message
                .push_str(" Ask for one with gateway scopes alone, or with this gateway as resource.");
        }
        own
    }
}

impl From<Denied> for GatewayRefusal {
    fn from(denied: Denied) -> Self {
        let mut own = Self::new(StatusCode::FORBIDDEN, denied.code(), &denied);
        if let Denied::MissingScope { needed_scope, rule } = denied {
            own.helps.needed_scope = Some(needed_scope);
            own.helps.rule = rule;
        }
        own
    }
}

impl From<FramingRefusal> for GatewayRefusal {
    fn from(refusal: FramingRefusal) -> Self {
        Self::new(refusal.status(), refusal.code(), &refusal)
    }
}

impl From<PathRefusal> for GatewayRefusal {
    fn from(refusal: PathRefusal) -> Self {
        Self::new(StatusCode::BAD_REQUEST, refusal.code(), &refusal)
    }
}

impl From<QueryRefusal> for GatewayRefusal {
    fn from(refusal: QueryRefusal) -> Self {
        Self::new(StatusCode::BAD_REQUEST, refusal.code(), &refusal)
    }
}

impl From<Problem> for GatewayRefusal {
    /// Of this installation, before the call went on.
    fn from(problem: Problem) -> Self {
        Self {
            reason: problem.error_type.name(),
            problem,
            helps: Box::default(),
        }
    }
}

impl IntoResponse for GatewayRefusal {
    /// Carries itself to `http/edge.rs`, which writes the body.
    fn into_response(self) -> Response {
        let mut response = self.problem.error_type.status().into_response();
        response
            .extensions_mut()
            .insert(ErrorAnswer::Gateway(Box::new(self)));
        response
    }
}
