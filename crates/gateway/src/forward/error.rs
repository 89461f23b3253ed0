//! Why a call that was allowed did not bring an answer of the provider's.

use std::time::Duration;

use http::StatusCode;

use crate::breaker::ProviderDown;
use crate::dial::DialError;
use crate::headers::{DownRefusal, UpRefusal};
use crate::inject::{InjectError, TokenFailure};
use crate::scrub::Unreadable;

/// Why there is no answer. What is shown says nothing that only the operator may know; [`ForwardError::detail`] does.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ForwardError {
    /// The request cannot go up.
    #[error(transparent)]
    Up(#[from] UpRefusal),
    /// The answer cannot come down.
    #[error(transparent)]
    Down(#[from] DownRefusal),
    /// The answer cannot be searched for the credential.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The provider failed several times in a row.
    #[error(transparent)]
    ProviderDown(#[from] ProviderDown),
    /// All places of this provider are taken.
    #[error("too many calls to this provider are under way")]
    Busy,
    /// The rate of the provider, or the caller's own, is used up.
    #[error("too many calls to this provider in a second")]
    RateLimited(RateLimited),
    /// The caller has as many calls under way as it may.
    #[error("too many calls of this client to this provider are under way")]
    CallerBusy,
    /// What the caller may take of the provider in a day is used up.
    #[error("this client has used up its {} to this provider for today (UTC)", .0.unit)]
    QuotaUsed(RateLimited),
    /// The body is larger than the provider may be sent, or than can be signed.
    #[error("the body of the request has more than {limit} bytes")]
    BodyTooLarge {
        /// The bound.
        limit: u64,
    },
    /// The caller's body broke off.
    #[error("the body of the request broke off")]
    BodyBrokeOff,
    /// There is no connection.
    #[error("the provider cannot be reached")]
    Unreachable(DialError),
    /// The provider took too long.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// The provider broke off, or spoke something that is not HTTP.
    #[error("the provider broke off before it answered")]
    BrokeOff,
    /// The credential could not be injected.
    #[error("the provider's credential cannot be used for this call")]
    Inject(InjectError),
    /// There is no token for the provider.
    #[error("the provider's token endpoint gives no token")]
    Token(TokenFailure),
    /// The call goes to where the credential's own token is asked for.
    #[error("the provider's token endpoint is not open to callers")]
    TokenEndpoint,
    /// The path and the base path are longer together than a URI may be.
    #[error("the path and query are too long for this provider")]
    TooLong,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Unit {
    /// Calls.
    Calls,
    /// Bytes of bodies.
    Bytes,
}

/// A rate or a quota that is used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimited {
    /// Its name: `provider`, `caller`, `caller-calls-day` or `caller-bytes-day`.
    pub policy: &'static str,
    /// So many.
    pub quota: u64,
    /// Of these.
    pub unit: Unit,
    /// In so long.
    pub window: Duration,
    /// When a call may be let through again.
    pub retry_after: Duration,
}

impl ForwardError {
    /// A stable word for callers, logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Up(refusal) => refusal.code(),
            Self::Down(refusal) => refusal.code(),
            Self::Unreadable(unreadable) => unreadable.code(),
            Self::ProviderDown(_) => "provider_down",
            Self::Busy => "provider_busy",
            Self::RateLimited(_) => "rate_limited",
            Self::CallerBusy => "caller_busy",
            Self::QuotaUsed(_) => "quota_used",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyBrokeOff => "body_broke_off",
            Self::Unreachable(_) => "provider_unreachable",
            Self::TimedOut => "provider_timed_out",
            Self::BrokeOff => "provider_broke_off",
            Self::Inject(_) => "credential_unusable",
            Self::Token(_) => "credential_token",
            Self::TokenEndpoint => "token_endpoint",
            Self::TooLong => "uri_too_long",
        }
    }

    /// What the caller is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Up(refusal) => refusal.status(),
            Self::Down(refusal) => refusal.status(),
            Self::ProviderDown(_) | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::RateLimited(_) | Self::CallerBusy | Self::QuotaUsed(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyBrokeOff => StatusCode::BAD_REQUEST,
            Self::TokenEndpoint => StatusCode::FORBIDDEN,
            Self::TooLong => StatusCode::URI_TOO_LONG,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::Unreadable(_)
            | Self::Unreachable(_)
            | Self::BrokeOff
            | Self::Inject(_)
            | Self::Token(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// When trying again may help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::ProviderDown(down) => Some(down.retry_after),
            Self::RateLimited(limited) | Self::QuotaUsed(limited) => Some(limited.retry_after),
            Self::Busy | Self::CallerBusy => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// What the operator is told beside, in the log.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Unreachable(error) => Some(error.to_string()),
            Self::Inject(error) => Some(error.to_string()),
            Self::Token(failure) => Some(failure.to_string()),
            _ => None,
        }
    }
}
