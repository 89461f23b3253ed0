//! Putting the credential into the outgoing request.
//!
//! One file and one variant of [`Credential`] per kind. To add one: a file with a type that is made from what the operator gave and checks it, and
//! that knows which headers it sets and how; then the compiler asks for the rest.
//!
//! The order of a call: strip what [`Credential::header_names`] names from the caller's request, then [`Credential::apply`] last of all, so
//! that nothing of the caller's stands beside or after the credential.

mod aws_sigv4;
mod basic;
mod bearer;
mod client_certificate;
mod cookie;
mod encoding;
mod error;
mod field_value;
mod header;
mod hmac;
mod injected;
mod oauth_client_credentials;
mod oauth_token;
mod query;
mod template;
mod token_cache;

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;
use serde::Deserialize;
use strum::{IntoStaticStr, VariantNames};

pub use aws_sigv4::{AwsSigV4, AwsSigV4Fields};
pub use basic::{Basic, BasicFields};
pub use bearer::{Bearer, BearerFields};
pub use client_certificate::{ClientCertificate, ClientCertificateFields};
pub use cookie::{Cookie, CookieFields};
pub use encoding::Encoding;
pub use error::{CredentialError, InjectError};
pub use field_value::MAX_VALUE_BYTES;
pub use header::{Header, HeaderFields};
pub use hmac::{Hash, Hmac, HmacFields, KeyEncoding};
pub use injected::Injected;
pub use oauth_client_credentials::{
    ClientAuthentication, OauthClientCredentials, OauthClientCredentialsFields, TokenRequest,
};
pub use oauth_token::{AccessToken, IssuedToken, MAX_ANSWER_BYTES, TokenAnswer, TokenFailure, read_answer};
pub use query::{Query, QueryFields};
pub use token_cache::{Jitter, TokenCache, TokenEndpoint, TokenKey};

/// What the gateway injects into the calls of a provider. `Debug` prints the kind alone; what is secret is overwritten when it goes.
#[derive(Clone, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Credential {
    /// A name and a password (RFC 7617).
    Basic(Basic),
    /// A token (RFC 6750 section 2.1).
    Bearer(Bearer),
    /// A value in a header of any name.
    Header(Header),
    /// A value in a query parameter.
    Query(Query),
    /// A value in a cookie.
    Cookie(Cookie),
    /// A token that is fetched from a token endpoint (RFC 6749 section 4.4).
    OauthClientCredentials(Arc<OauthClientCredentials>),
    /// A signature as AWS wants it.
    #[strum(serialize = "aws-sigv4")]
    AwsSigV4(AwsSigV4),
    /// A keyed hash over parts of the request.
    Hmac(Box<Hmac>),
    /// A certificate that the connection shows.
    ClientCertificate(ClientCertificate),
}

/// What the operator gave, before it is checked.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Fields {
    Basic(BasicFields),
    Bearer(BearerFields),
    Header(HeaderFields),
    Query(QueryFields),
    Cookie(CookieFields),
    OauthClientCredentials(OauthClientCredentialsFields),
    #[serde(rename = "aws-sigv4")]
    AwsSigV4(AwsSigV4Fields),
    Hmac(HmacFields),
    ClientCertificate(ClientCertificateFields),
}

/// What a credential may need to know of the call beside its head.
#[derive(Clone, Copy, Default, Debug)]
pub struct Moment<'a> {
    /// The time, in seconds since 1970.
    pub unix_seconds: u64,
    /// The whole body, when it was buffered; see [`Credential::needs_body`].
    pub body: Option<&'a [u8]>,
    /// The token from [`TokenCache`], for the kind that fetches one.
    pub access_token: Option<&'a AccessToken>,
}

impl Credential {
    /// The kinds there are, as the command line and the API call them.
    pub const KINDS: &'static [&'static str] = <Self as VariantNames>::VARIANTS;

    /// Reads a credential from JSON: an object with `kind` and the members of that kind. The same for what an operator sets and for what
    /// was sealed, so that nothing can be injected that could not be set.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without a word of it.
    pub fn read(json: &[u8]) -> Result<Self, CredentialError> {
        // What serde says would quote the value.
        let fields = serde_json::from_slice(json).map_err(|_| CredentialError::Malformed)?;
        Ok(match fields {
            Fields::Basic(fields) => Self::Basic(Basic::new(fields)?),
            Fields::Bearer(fields) => Self::Bearer(Bearer::new(fields)?),
            Fields::Header(fields) => Self::Header(Header::new(fields)?),
            Fields::Query(fields) => Self::Query(Query::new(fields)?),
            Fields::Cookie(fields) => Self::Cookie(Cookie::new(fields)?),
            Fields::OauthClientCredentials(fields) => {
                Self::OauthClientCredentials(Arc::new(OauthClientCredentials::new(fields)?))
            }
            Fields::AwsSigV4(fields) => Self::AwsSigV4(AwsSigV4::new(fields)?),
            Fields::Hmac(fields) => Self::Hmac(Box::new(Hmac::new(fields)?)),
            Fields::ClientCertificate(fields) => Self::ClientCertificate(ClientCertificate::new(fields)?),
        })
    }

    /// The kind, as the command line and the API call it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.into()
    }

    /// The headers that this credential sets. They are stripped from the caller's request, whatever spelling it used.
    #[must_use]
    pub fn header_names(&self) -> Vec<HeaderName> {
        match self {
            Self::Basic(_) | Self::Bearer(_) | Self::OauthClientCredentials(_) => {
                vec![http::header::AUTHORIZATION]
            }
            Self::Header(header) => vec![header.name().clone()],
            Self::Cookie(_) => vec![http::header::COOKIE],
            Self::AwsSigV4(_) => aws_sigv4::HEADER_NAMES.to_vec(),
            Self::Hmac(hmac) => hmac.header_names(),
            Self::Query(_) | Self::ClientCertificate(_) => Vec::new(),
        }
    }

    /// Whether [`Moment::body`] has to be there.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        match self {
            Self::AwsSigV4(signer) => signer.needs_body(),
            Self::Hmac(hmac) => hmac.needs_body(),
            Self::Basic(_)
            | Self::Bearer(_)
            | Self::Header(_)
            | Self::Query(_)
            | Self::Cookie(_)
            | Self::OauthClientCredentials(_)
            | Self::ClientCertificate(_) => false,
        }
    }

    /// Puts the credential into the request, in the place of anything that stands there. Every header value that it sets is marked sensitive,
    /// so that HTTP/2 does not index it and `Debug` does not print it.
    ///
    /// # Errors
    ///
    /// [`InjectError`] when the request or the moment lacks something; the request must not be sent then.
    pub fn apply(&self, request: &mut Parts, moment: &Moment<'_>) -> Result<Injected, InjectError> {
        match self {
            Self::Basic(basic) => basic.apply(request),
            Self::Bearer(bearer) => bearer.apply(request),
            Self::Header(header) => header.apply(request),
            Self::Query(query) => query.apply(request),
            Self::Cookie(cookie) => cookie.apply(request),
            Self::OauthClientCredentials(_) => moment
                .access_token
                .ok_or(InjectError::AccessTokenNeeded)?
                .apply(request),
            Self::AwsSigV4(signer) => signer.apply(request, moment),
            Self::Hmac(hmac) => hmac.apply(request, moment),
            // The connection shows it; there is nothing of it in the request.
            Self::ClientCertificate(_) => Ok(Injected::default()),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credential").field(&self.kind()).finish()
    }
}

#[cfg(test)]
mod tests;
