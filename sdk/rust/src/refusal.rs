//! Why a caller is refused.

use std::time::Duration;

/// Why a caller is refused.
///
/// No text holds the token or a claim, so any of these may be logged and its [`code`](Refusal::code) told to the caller.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The token itself is no good.
    #[error(transparent)]
    Token(#[from] countersign_token::Refusal),
    /// The request has no `Authorization: Bearer …`.
    #[error("the request has no bearer token")]
    MissingToken,
    /// The token is good and lacks a scope.
    #[error("the token lacks a scope of {needed:?}")]
    MissingScope {
        /// All scopes that are needed, separated by spaces.
        needed: String,
    },
    /// The issuer's keys cannot be had, so that nothing is known about the token. It is not the caller's fault: HTTP 503.
    #[error("the issuer's keys cannot be had: {problem}")]
    KeysUnavailable {
        /// What went wrong when they were last fetched.
        problem: KeysProblem,
        /// How long it takes until they are asked for again.
        retry_after: Duration,
    },
}

impl Refusal {
    /// A stable word for logs, metrics and callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Token(refusal) => refusal.code(),
            Self::MissingToken => "missing_token",
            Self::MissingScope { .. } => "missing_scope",
            Self::KeysUnavailable { .. } => "keys_unavailable",
        }
    }
}

/// Why the issuer's keys cannot be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysProblem {
    /// No answer, or one that broke off.
    #[error("the issuer cannot be reached: {detail}")]
    Unreachable {
        /// What the HTTP library says.
        detail: String,
    },
    /// The answer took too long.
    #[error("the issuer did not answer in time")]
    TimedOut,
    /// Another answer than 200. Redirects belong here, too.
    #[error("the issuer answered with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The answer came from another URL than the one asked, because the HTTP client that was handed in follows redirects.
    #[error("the issuer redirected")]
    Redirected,
    /// More bytes than a JWK set may have here.
    #[error("the issuer's answer is too long")]
    TooLong,
    /// The answer is no JWK set.
    #[error("the issuer's answer is no JWK set")]
    NotAJwkSet,
    /// The last good set is older than it may be used for, and nothing newer was had yet.
    #[error("the keys are too old")]
    TooOld,
    /// There is no Tokio runtime to fetch them in, or it is going down.
    #[error("there is no runtime to fetch them in")]
    NoRuntime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_token_and_three_of_our_own() {
        let own = [
            Refusal::MissingToken,
            Refusal::MissingScope {
                needed: "read:users".into(),
            },
            Refusal::KeysUnavailable {
                problem: KeysProblem::TimedOut,
                retry_after: Duration::from_secs(1),
            },
        ];
        assert_eq!(
            own.map(|refusal| refusal.code()),
            ["missing_token", "missing_scope", "keys_unavailable"]
        );
        assert_eq!(
            Refusal::from(countersign_token::Refusal::Expired).code(),
            "expired"
        );
    }
}
