//! Errors in the style of RFC 6749 section 5.2, and the one place where failures at the token endpoint become one.

use axum::response::{IntoResponse, Response};
use countersign_core::grant::GrantError;
use http::StatusCode;
use strum::{EnumIter, IntoStaticStr};

use crate::http::edge::ErrorAnswer;
use crate::problem::{Problem, sentence};

/// `error` of RFC 6749 section 5.2 and RFC 8707 section 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the RFCs define each; docs/errors.md explains it")]
pub enum OAuthCode {
    InvalidClient,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    UnsupportedGrantType,
}

/// An error answer of the token endpoint.
#[derive(Debug, Clone)]
pub struct OAuthError {
    /// Its code.
    pub code: OAuthCode,
    /// One sentence for the developer who reads it.
    pub description: String,
    /// Whether the caller tried HTTP Basic.
    pub by_basic: bool,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u64>,
}

/// Why there is no token: the caller's doing in OAuth's words, everything else in the API's, for which RFC 6749 has none.
#[derive(Debug)]
pub enum TokenRefusal {
    /// RFC 6749 section 5.2.
    OAuth(OAuthError),
    /// Too often, or not now.
    Api(Problem),
}

impl OAuthCode {
    /// The code as it stands on the wire.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// An error of this code.
    pub fn because(self, description: impl Into<String>) -> OAuthError {
        OAuthError {
            code: self,
            description: description.into(),
            by_basic: false,
            retry_after: None,
        }
    }
}

impl OAuthError {
    /// Unknown, deleted, inactive, another project's, wrong secret: one answer for all.
    pub fn invalid_client(by_basic: bool) -> Self {
        Self {
            by_basic,
            ..OAuthCode::InvalidClient.because("Client id or secret is wrong, or the client is not active.")
        }
    }

    /// 400, as the wire has it; 401 for a client that used HTTP Basic, which RFC 6749 section 5.2 demands and no SDK of the
    /// wire does.
    pub fn status(&self) -> StatusCode {
        if self.code == OAuthCode::InvalidClient && self.by_basic {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::BAD_REQUEST
        }
    }
}

impl From<OAuthError> for TokenRefusal {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl From<Problem> for TokenRefusal {
    /// A body that could not be read is the caller's doing; waiting and failures of ours have no words in OAuth.
    fn from(problem: Problem) -> Self {
        let status = problem.error_type.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            Self::Api(problem)
        } else {
            Self::OAuth(OAuthCode::InvalidRequest.because(problem.message))
        }
    }
}

impl From<GrantError> for TokenRefusal {
    fn from(error: GrantError) -> Self {
        let code = match error {
            GrantError::MissingGrantType => OAuthCode::InvalidRequest,
            GrantError::UnsupportedGrantType => OAuthCode::UnsupportedGrantType,
            GrantError::InvalidScope => OAuthCode::InvalidScope,
            GrantError::InvalidTarget => OAuthCode::InvalidTarget,
        };
        Self::OAuth(code.because(sentence(&error)))
    }
}

impl IntoResponse for TokenRefusal {
    /// Carries itself to `http/edge.rs`, which writes the body.
    fn into_response(self) -> Response {
        match self {
            Self::Api(problem) => problem.into_response(),
            Self::OAuth(error) => {
                let mut response = error.status().into_response();
                response.extensions_mut().insert(ErrorAnswer::OAuth(error));
                response
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn every_code_has_its_section_in_the_error_page() {
        for code in OAuthCode::iter() {
            assert!(
                crate::documents::ERRORS.contains(&format!("\n## {}\n", code.name())),
                "{}",
                code.name()
            );
        }
    }
}
