//! Why there is no connection.

use std::io;

use rustls::CertificateError;

use crate::address::Forbidden;

/// A step on the way to a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Finding the addresses of the name.
    Resolve,
    /// Connecting by TCP.
    Connect,
    /// The TLS handshake.
    Tls,
}

/// What is wrong with a certificate. Nothing in it is quoted: whoever answers has written it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CertificateProblem {
    /// Nobody who is trusted has signed it.
    #[error("is from no authority that is trusted")]
    UnknownIssuer,
    /// It is for other names than the provider's.
    #[error("is for another name")]
    WrongName,
    /// Its time is over.
    #[error("has expired")]
    Expired,
    /// Its time has not come; more often, this machine's clock is wrong.
    #[error("is not valid yet")]
    NotYetValid,
    /// Its authority took it back.
    #[error("was revoked")]
    Revoked,
    /// Something else.
    #[error("is not one that can be judged")]
    Other,
}

impl From<&CertificateError> for CertificateProblem {
    fn from(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::Revoked => Self::Revoked,
            _ => Self::Other,
        }
    }
}

/// Why there is no connection to an upstream. For the operator: a caller is told only that the provider cannot be
/// reached.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DialError {
    /// The connector of one upstream was asked for another one. A mistake in the gateway, caught here.
    #[error("the request is for another place than the provider's")]
    OtherPlace,
    /// The name could not be looked up.
    #[error("the provider's name could not be resolved: {kind}")]
    Resolve {
        /// What the system says.
        kind: io::ErrorKind,
    },
    /// The name exists and has no address.
    #[error("the provider's name has no address")]
    NoAddress,
    /// At least one address of the answer may not be dialled.
    #[error("the provider's name leads where it may not: {0}")]
    Forbidden(#[from] Forbidden),
    /// Plain HTTP to an address that no allowed range holds.
    #[error("the provider's name leads out of its allowed ranges, which plain http does not leave")]
    PlainOutside,
    /// No address took the connection.
    #[error("the provider could not be connected to: {kind}")]
    Connect {
        /// What the system says of the last address that failed.
        kind: io::ErrorKind,
    },
    /// The certificate is not one for the provider's name, or from nobody who is trusted.
    #[error("the provider's certificate is not accepted: it {problem}")]
    Certificate {
        /// What is wrong with it.
        problem: CertificateProblem,
    },
    /// The handshake failed otherwise.
    #[error("the TLS handshake with the provider failed: {kind}")]
    Handshake {
        /// What the system says.
        kind: io::ErrorKind,
    },
    /// It took too long.
    #[error("the provider did not answer in time ({stage:?})")]
    TimedOut {
        /// The step that was under way.
        stage: Stage,
    },
}

impl DialError {
    pub(super) fn of_handshake(error: &io::Error) -> Self {
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(problem)) => Self::Certificate {
                problem: problem.into(),
            },
            _ => Self::Handshake { kind: error.kind() },
        }
    }

    /// A stable word for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherPlace => "other_place",
            Self::Resolve { .. } => "resolve",
            Self::NoAddress => "no_address",
            Self::Forbidden(forbidden) => forbidden.code(),
            Self::PlainOutside => "plain_http_outside",
            Self::Connect { .. } => "connect",
            Self::Certificate { .. } => "certificate",
            Self::Handshake { .. } => "handshake",
            Self::TimedOut { .. } => "dial_timed_out",
        }
    }
}
