//! What can be wrong with a credential, and with injecting it.

use crate::headers::HeaderNameError;

/// Why something cannot be a credential. No text holds a part of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// No JSON object with a known `kind` and the members that this kind has.
    #[error("the credential is no JSON object with a known kind, that kind's members and no others")]
    Malformed,
    /// A value is empty.
    #[error("the credential's {member} is empty")]
    Empty {
        /// The member's name, one of ours.
        member: &'static str,
    },
    /// A value is longer than a request could carry.
    #[error("the credential's {member} is too long")]
    TooLong {
        /// The member's name, one of ours.
        member: &'static str,
    },
    /// A value holds something that cannot stand where it would be put: a line break or NUL, which could add headers of its own, or a space at
    /// an end, which would be lost on the way.
    #[error(
        "the credential's {member} holds a character that cannot stand in a request, or a space at an end"
    )]
    InvalidValue {
        /// The member's name, one of ours.
        member: &'static str,
    },
    /// The header is not one that an operator may set, or not the name of a header.
    #[error(transparent)]
    HeaderName(#[from] HeaderNameError),
    /// One header for two values.
    #[error("the signature and its timestamp need a header each")]
    SameHeader,
    /// A colon in the user name of `Basic`, which would move the border between name and password (RFC 7617 section 2).
    #[error("a user name with a colon cannot stand in Basic")]
    ColonInUsername,
    /// A template names something unknown, or its braces do not pair.
    #[error("the template names something unknown, or its braces do not pair")]
    Template,
    /// The HMAC key is not encoded as it says.
    #[error("the key is not encoded as key_encoding says")]
    KeyEncoding,
    /// The token endpoint's address is no absolute `http` or `https` URL, or has user information.
    #[error("the token endpoint is no absolute http or https URL without user information")]
    TokenUrl,
    /// No certificate could be read from the PEM.
    #[error("the PEM has no certificate that can be read, or too many")]
    Certificate,
    /// No private key could be read from the PEM; one with a passphrase cannot.
    #[error("the PEM has no unencrypted private key that can be read")]
    PrivateKey,
    /// The key is not that of the first certificate.
    #[error("the private key is not that of the first certificate")]
    KeyOfAnotherCertificate,
}

impl CredentialError {
    /// A stable word for answers and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "credential_malformed",
            Self::Empty { .. } => "credential_empty",
            Self::TooLong { .. } => "credential_too_long",
            Self::InvalidValue { .. } => "credential_invalid_value",
            Self::HeaderName(_) => "credential_header_name",
            Self::SameHeader => "credential_same_header",
            Self::ColonInUsername => "credential_colon_in_username",
            Self::Template => "credential_template",
            Self::KeyEncoding => "credential_key_encoding",
            Self::TokenUrl => "credential_token_url",
            Self::Certificate => "credential_certificate",
            Self::PrivateKey => "credential_private_key",
            Self::KeyOfAnotherCertificate => "credential_key_of_another_certificate",
        }
    }
}

/// Why a credential could not be injected. No text holds a part of it, or of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InjectError {
    /// The signature covers the body, which was not buffered.
    #[error("the credential signs the body, which was not buffered")]
    BodyNeeded,
    /// The credential is one that fetches a token, and none was given.
    #[error("the credential needs an access token, and there is none")]
    AccessTokenNeeded,
    /// The request says nowhere which host it is for.
    #[error("the outgoing request names no host")]
    NoHost,
    /// A time that no calendar has.
    #[error("the time cannot be written")]
    Time,
    /// What would be set is no valid header value or URL. The checks when it was set should have kept it out.
    #[error("the credential cannot stand in this request")]
    Unwritable,
}

impl InjectError {
    /// A stable word for answers, logs and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BodyNeeded => "inject_body_needed",
            Self::AccessTokenNeeded => "inject_access_token_needed",
            Self::NoHost => "inject_no_host",
            Self::Time => "inject_time",
            Self::Unwritable => "inject_unwritable",
        }
    }
}
