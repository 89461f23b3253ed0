//! Why there is no token.

use std::time::Duration;

/// Why there is no token. No text holds a secret or a token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The server refuses; asking again with the same credentials and wishes is in vain.
    #[error(
        "the server refuses: {code} ({status}){}{}",
        said(": ", description),
        said(", request ", request_id)
    )]
    Refused {
        /// What the server calls it: `error` of RFC 6749 section 5.2, or `error_type` of the API, or else `http_` and the status.
        code: String,
        /// What the server says about it.
        description: Option<String>,
        /// The HTTP status.
        status: u16,
        /// By which the server's operator finds the request again.
        request_id: Option<String>,
    },
    /// The server was asked again and again, and cannot answer now: 408, 429 or 5xx.
    #[error(
        "the server cannot answer now: {code} ({status}){}",
        said(", request ", request_id)
    )]
    Unavailable {
        /// What the server calls it, as in [`TokenError::Refused`].
        code: String,
        /// The HTTP status of its last answer.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
        /// By which the server's operator finds the request again.
        request_id: Option<String>,
    },
    /// No answer, or one that broke off, again and again.
    #[error("the server cannot be reached: {detail}")]
    Unreachable {
        /// What the HTTP library says.
        detail: String,
    },
    /// The answer took too long, again and again.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The server points elsewhere (3xx), where the secret is not carried; or the HTTP client that was handed in has followed it.
    #[error("the server redirects ({status}), which is not followed")]
    Redirected {
        /// The HTTP status.
        status: u16,
    },
    /// The answer is none of a token endpoint: perhaps the URL is that of something else.
    #[error("the server's answer, of status {status}, is no token: {problem}")]
    InvalidAnswer {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The function that was to bring the client's secret failed, panicked, took too long, or brought none. What it said is not repeated: it may hold what
    /// it was about to bring.
    #[error("the client's secret cannot be had")]
    SecretUnavailable,
    /// There is no Tokio runtime to get a token in, or it is going down.
    #[error("there is no runtime to get a token in")]
    NoRuntime,
}

impl TokenError {
    /// A stable word for logs, metrics and callers that decide by it, the same in every SDK.
    ///
    /// For [`TokenError::Refused`] and [`TokenError::Unavailable`] it is the server's, such as `invalid_client`, or else `http_` and
    /// the status. Otherwise: `unreachable`, `timeout`, `redirected`, `invalid_answer`, `secret_unavailable`, `no_runtime`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } | Self::Unavailable { code, .. } => code,
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut => "timeout",
            Self::Redirected { .. } => "redirected",
            Self::InvalidAnswer { .. } => "invalid_answer",
            Self::SecretUnavailable => "secret_unavailable",
            Self::NoRuntime => "no_runtime",
        }
    }

    /// Whether asking again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. } | Self::Unreachable { .. } | Self::TimedOut
        )
    }
}

fn said(before: &str, what: &Option<String>) -> String {
    what.as_ref()
        .map_or_else(String::new, |what| format!("{before}{what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_who_refused_what() {
        let error = TokenError::Refused {
            code: "invalid_client".into(),
            description: Some("unknown client or wrong secret".into()),
            status: 400,
            request_id: Some("request-id-test-1".into()),
        };
        assert_eq!(
            error.to_string(),
            "the server refuses: invalid_client (400): unknown client or wrong secret, request request-id-test-1"
        );
        assert_eq!(error.code(), "invalid_client");
        assert!(!error.is_transient());
        assert!(TokenError::TimedOut.is_transient());
    }
}
