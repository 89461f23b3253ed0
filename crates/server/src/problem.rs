//! Errors in the API's style, and the one place where failures of every layer become one.
//!
//! A handler returns a [`Problem`]; `http/edge.rs` writes it out, because only there are request id and public URL known.
//! Whatever is not the caller's doing says nothing but the request id, and is logged once, here.

use axum::response::{IntoResponse, Response};
use countersign_core::client::ClientError;
use countersign_core::credential::InvalidCredential;
use countersign_core::cursor::InvalidCursor;
use countersign_core::key_life::AlreadyAnnounced;
use countersign_core::metadata::MetadataError;
use countersign_core::provider::{DocumentTooLarge, InvalidProvider};
use countersign_core::rotation::RotationError;
use countersign_core::scope::ScopeError;
use countersign_core::seal::OpenError;
use countersign_core::search::SearchError;
use countersign_core::secret::SecretError;
use countersign_gateway::document::DocumentError;
use countersign_store::StoreError;
use http::StatusCode;
use strum::{EnumIter, IntoStaticStr};

use crate::keys::live_project::LiveProjectError;
use crate::providers::InvalidSettings;

/// `error_type` of the API style. The names are the wire's (contract section 6) where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "docs/errors.md explains each, and a test sees that it does"
)]
pub enum ErrorType {
    BadRequest,
    ClientSecretTooLong,
    DuplicateM2mClientId,
    DuplicateProjectId,
    DuplicateProviderName,
    InsecureM2mClientSecret,
    InsufficientPermissions,
    InternalServerError,
    InvalidAuthorizationHeader,
    InvalidCursor,
    InvalidM2mClientScope,
    InvalidProvider,
    InvalidProviderCredential,
    InvalidProviderDocument,
    InvalidRequestValue,
    KeyAlreadyAnnounced,
    M2mClientAlreadyRotatingSecret,
    M2mClientInvalidClientDescription,
    M2mClientInvalidClientId,
    M2mClientInvalidClientName,
    M2mClientInvalidClientSecret,
    M2mClientInvalidStatus,
    M2mClientNotFound,
    M2mClientNotRotatingSecret,
    M2mSearchExpectedArrayOfStrings,
    M2mSearchFilterNameMustBeString,
    M2mSearchFilterNameNotRecognized,
    M2mSearchInvalidOperator,
    M2mSearchMissingFilterName,
    M2mSearchMissingFilterValue,
    MetadataInvalidFormat,
    MetadataTooLarge,
    MetadataTooManyKeys,
    MethodNotAllowed,
    OperatorNotFound,
    ProjectNotFound,
    ProjectSecretNotFound,
    ProviderCredentialNotFound,
    ProviderFailed,
    ProviderNotFound,
    ProviderOperationNotFound,
    ProviderTimedOut,
    RequestTimeout,
    RequestTooLarge,
    RouteNotFound,
    ServiceUnavailable,
    TooManyM2mClientScopes,
    TooManyRequests,
    UnauthorizedCredentials,
    UnsupportedMediaType,
    WriteConflict,
}

/// An error answer in the API's style.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Its type.
    pub error_type: ErrorType,
    /// One sentence for the developer who reads it. Never holds a secret or another caller's data.
    pub message: String,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u64>,
    /// What really happened, when it is not the caller's doing: for the log alone, which `http/edge.rs` writes, once.
    pub cause: Option<String>,
}

impl ErrorType {
    /// The type as it stands on the wire.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Its HTTP status. The SDKs take any; where the contract does not say, a bad value is 400 and a missing thing 404.
    pub fn status(self) -> StatusCode {
        match self {
            Self::UnauthorizedCredentials | Self::InvalidAuthorizationHeader => StatusCode::UNAUTHORIZED,
            Self::InsufficientPermissions => StatusCode::FORBIDDEN,
            Self::M2mClientNotFound
            | Self::OperatorNotFound
            | Self::ProjectNotFound
            | Self::ProjectSecretNotFound
            | Self::ProviderCredentialNotFound
            | Self::ProviderNotFound
            | Self::ProviderOperationNotFound
            | Self::RouteNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::WriteConflict => StatusCode::CONFLICT,
            Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::ProviderFailed => StatusCode::BAD_GATEWAY,
            Self::ProviderTimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::BadRequest
            | Self::ClientSecretTooLong
            | Self::DuplicateM2mClientId
            | Self::DuplicateProjectId
            | Self::DuplicateProviderName
            | Self::InsecureM2mClientSecret
            | Self::InvalidCursor
            | Self::InvalidProvider
            | Self::InvalidProviderCredential
            | Self::InvalidProviderDocument
            | Self::InvalidM2mClientScope
            | Self::InvalidRequestValue
            | Self::KeyAlreadyAnnounced
            | Self::M2mClientAlreadyRotatingSecret
            | Self::M2mClientInvalidClientDescription
            | Self::M2mClientInvalidClientId
            | Self::M2mClientInvalidClientName
            | Self::M2mClientInvalidClientSecret
            | Self::M2mClientInvalidStatus
            | Self::M2mClientNotRotatingSecret
            | Self::M2mSearchExpectedArrayOfStrings
            | Self::M2mSearchFilterNameMustBeString
            | Self::M2mSearchFilterNameNotRecognized
            | Self::M2mSearchInvalidOperator
            | Self::M2mSearchMissingFilterName
            | Self::M2mSearchMissingFilterValue
            | Self::MetadataInvalidFormat
            | Self::MetadataTooLarge
            | Self::MetadataTooManyKeys
            | Self::TooManyM2mClientScopes => StatusCode::BAD_REQUEST,
        }
    }

    /// An answer of this type.
    pub fn because(self, message: impl Into<String>) -> Problem {
        Problem {
            error_type: self,
            message: message.into(),
            retry_after: None,
            cause: None,
        }
    }
}

impl Problem {
    /// Something went wrong here. The caller learns the request id; the log gets the rest.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::failed(chain(error))
    }

    /// The same, in words of our own.
    pub fn failed(cause: impl Into<String>) -> Self {
        let message = "Something went wrong on our side. The request id finds it in the log.";
        Self {
            cause: Some(cause.into()),
            ..ErrorType::InternalServerError.because(message)
        }
    }

    /// Not now; a later try may do.
    pub fn unavailable(message: &str, retry_after: u64) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..ErrorType::ServiceUnavailable.because(message)
        }
    }

    /// Too often.
    pub fn too_many_requests(retry_after: u64) -> Self {
        let message = "Too many requests. Wait for the time that Retry-After names.";
        Self {
            retry_after: Some(retry_after),
            ..ErrorType::TooManyRequests.because(message)
        }
    }

    /// No such client in this project.
    pub fn client_not_found() -> Self {
        ErrorType::M2mClientNotFound.because("No M2M client with this id exists in the project.")
    }

    /// No such provider in this project.
    pub fn provider_not_found() -> Self {
        ErrorType::ProviderNotFound.because("No provider with this name exists in the project.")
    }

    /// No such project, or none that the caller may know of.
    pub fn project_not_found() -> Self {
        ErrorType::ProjectNotFound.because("No project with this id exists.")
    }
}

/// An error and what caused it, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(reason) => {
                let message = "The service cannot write at the moment. Nothing was changed; try again.";
                Self {
                    cause: Some(format!("the database is not available: {reason}")),
                    ..Self::unavailable(message, 1)
                }
            }
            StoreError::SchemaLacks => Self {
                cause: Some(error.to_string()),
                ..Self::unavailable(
                    "The database has not grown this far yet: its operator brings it up to date with \"countersign migrate\".",
                    60,
                )
            },
            StoreError::Stale => ErrorType::WriteConflict
                .because("The object was changed at the same time. Read it and try again."),
            _ => Self::internal(&error),
        }
    }
}

impl From<OpenError> for Problem {
    /// A key that this node was not given is its own affair: another node holds it, and so may this one after a restart.
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::OtherKey { .. } => Self {
                cause: Some(error.to_string()),
                ..Self::unavailable("This node cannot serve it at the moment; another one may.", 5)
            },
            OpenError::Altered => Self::internal(&error),
        }
    }
}

impl From<LiveProjectError> for Problem {
    fn from(error: LiveProjectError) -> Self {
        match error {
            LiveProjectError::Sealed {
                source: source @ OpenError::OtherKey { .. },
                ..
            } => source.into(),
            error => Self::internal(&error),
        }
    }
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        let error_type = match &error {
            ClientError::Id => ErrorType::M2mClientInvalidClientId,
            ClientError::Name(_) => ErrorType::M2mClientInvalidClientName,
            ClientError::Description(_) => ErrorType::M2mClientInvalidClientDescription,
            ClientError::Status => ErrorType::M2mClientInvalidStatus,
            ClientError::Scopes(ScopeError::TooMany) => ErrorType::TooManyM2mClientScopes,
            ClientError::Scopes(ScopeError::Invalid | ScopeError::TooLong) => {
                ErrorType::InvalidM2mClientScope
            }
            ClientError::Metadata(MetadataError::TooManyKeys) => ErrorType::MetadataTooManyKeys,
            ClientError::Metadata(MetadataError::TooLarge) => ErrorType::MetadataTooLarge,
            ClientError::Secret(SecretError::Insecure) => ErrorType::InsecureM2mClientSecret,
            ClientError::Secret(SecretError::TooLong) => ErrorType::ClientSecretTooLong,
            ClientError::Secret(SecretError::Invalid) | ClientError::Digest | ClientError::LastFour => {
                ErrorType::M2mClientInvalidClientSecret
            }
        };
        error_type.because(sentence(&error))
    }
}

impl From<RotationError> for Problem {
    fn from(error: RotationError) -> Self {
        let error_type = match error {
            RotationError::AlreadyRotating => ErrorType::M2mClientAlreadyRotatingSecret,
            RotationError::NotRotating => ErrorType::M2mClientNotRotatingSecret,
        };
        error_type.because(sentence(&error))
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        let error_type = match error {
            SearchError::Operator => ErrorType::M2mSearchInvalidOperator,
            SearchError::Limit | SearchError::Operands | SearchError::TooManyValues => {
                ErrorType::InvalidRequestValue
            }
            SearchError::MissingFilterName => ErrorType::M2mSearchMissingFilterName,
            SearchError::MissingFilterValue => ErrorType::M2mSearchMissingFilterValue,
            SearchError::FilterNameNotString => ErrorType::M2mSearchFilterNameMustBeString,
            SearchError::UnknownFilterName => ErrorType::M2mSearchFilterNameNotRecognized,
            SearchError::ExpectedStrings => ErrorType::M2mSearchExpectedArrayOfStrings,
        };
        error_type.because(sentence(&error))
    }
}

impl From<InvalidCursor> for Problem {
    fn from(_: InvalidCursor) -> Self {
        ErrorType::InvalidCursor
            .because("The cursor does not belong to this search. Send it back with the query it came from.")
    }
}

impl From<AlreadyAnnounced> for Problem {
    fn from(error: AlreadyAnnounced) -> Self {
        ErrorType::KeyAlreadyAnnounced.because(sentence(&error))
    }
}

impl From<InvalidSettings> for Problem {
    fn from(error: InvalidSettings) -> Self {
        ErrorType::InvalidProvider.because(sentence(&error))
    }
}

impl From<InvalidProvider> for Problem {
    fn from(error: InvalidProvider) -> Self {
        ErrorType::InvalidProvider.because(sentence(&error))
    }
}

impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        ErrorType::InvalidProviderDocument.because(sentence(&error))
    }
}

impl From<DocumentTooLarge> for Problem {
    fn from(error: DocumentTooLarge) -> Self {
        ErrorType::InvalidProviderDocument.because(sentence(&error))
    }
}

impl From<InvalidCredential> for Problem {
    fn from(error: InvalidCredential) -> Self {
        ErrorType::InvalidProviderCredential.because(sentence(&error))
    }
}

/// The layer's words as a sentence.
pub fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    // Field names keep their spelling.
    let starts_with_field = text
        .split(' ')
        .next()
        .is_some_and(|word| word.contains(['_', '.']));
    let start = if starts_with_field {
        text.clone()
    } else {
        first + characters.as_str()
    };
    format!("{}.", start.trim_end_matches('.'))
}

impl IntoResponse for Problem {
    /// Carries itself to `http/edge.rs`, which writes the body.
    fn into_response(self) -> Response {
        let mut response = self.error_type.status().into_response();
        response
            .extensions_mut()
            .insert(crate::http::edge::ErrorAnswer::Api(self));
        response
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn every_type_has_its_section_in_the_error_page() {
        for error_type in ErrorType::iter() {
            let heading = format!("\n## {}\n", error_type.name());
            assert!(
                crate::documents::ERRORS.contains(&heading),
                "docs/errors.md lacks {}",
                error_type.name()
            );
        }
    }

    #[test]
    fn sentences_keep_the_spelling_of_fields() {
        assert_eq!(sentence(&"a scope is bad"), "A scope is bad.");
        assert_eq!(sentence(&"client_name is too long"), "client_name is too long.");
    }
}
