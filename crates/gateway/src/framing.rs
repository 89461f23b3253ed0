//! What a request must be before anything else is asked of it: one reading of where it goes and where it ends.
//!
//! It looks at requests as hyper gives them. Hyper has refused by then what has no single reading for itself
//! (differing lengths, obs-fold, NUL), but has also repaired some: where an HTTP/1.1 request has `Content-Length`
//! beside `Transfer-Encoding`, or the same length twice, it keeps one of them, so that such a request shows here only
//! when something else than hyper's HTTP/1 server built it.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

/// Fields that HTTP/2 and later do not know (RFC 9113 section 8.2.2).
static OF_CONNECTIONS: [HeaderName; 5] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Whether the request has one reading.
///
/// # Errors
/// What is in doubt. The connection is to be closed after the refusal: its next bytes may be the body of this request.
pub fn check(request: &Parts) -> Result<(), FramingRefusal> {
    check_method(&request.method)?;
    check_body(request.version, &request.headers)?;
    match request.version {
        Version::HTTP_10 | Version::HTTP_11 => check_http1(request),
        Version::HTTP_2 => check_http2(request),
        _ => Err(FramingRefusal::Version),
    }
}

/// Whether the method is one that is forwarded. TRACE sends the request back, with all that was put into it on the way; TRACK is IIS'
/// word for it. CONNECT asks for a tunnel.
///
/// # Errors
/// [`FramingRefusal::Method`].
pub fn check_method(method: &Method) -> Result<(), FramingRefusal> {
    match *method {
        Method::TRACE | Method::CONNECT => Err(FramingRefusal::Method),
        _ if method.as_str().eq_ignore_ascii_case("TRACK") => Err(FramingRefusal::Method),
        _ => Ok(()),
    }
}

/// RFC 9112 section 6.3.
fn check_body(version: Version, headers: &HeaderMap) -> Result<(), FramingRefusal> {
    let length = single(headers, &CONTENT_LENGTH).map_err(|_| FramingRefusal::ContentLength)?;
    let coding = single(headers, &TRANSFER_ENCODING).map_err(|_| FramingRefusal::TransferEncoding)?;
    if length.is_some() && coding.is_some() {
        return Err(FramingRefusal::LengthAndCoding);
    }
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(FramingRefusal::TransferEncoding);
    }
    let bytes = length.map(number).transpose()?;
    // Its servers end a body in more ways than one (RFC 9112 appendix C.2.3).
    if version == Version::HTTP_10 && (coding.is_some() || bytes.is_some_and(|bytes| bytes > 0)) {
        return Err(FramingRefusal::BodyInHttp10);
    }
    Ok(())
}

/// Digits alone: `parse` would take a plus sign, and a list is two lengths.
fn number(value: &HeaderValue) -> Result<u64, FramingRefusal> {
    let text = value.to_str().map_err(|_| FramingRefusal::ContentLength)?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FramingRefusal::ContentLength);
    }
    text.parse().map_err(|_| FramingRefusal::ContentLength)
}

fn check_http1(request: &Parts) -> Result<(), FramingRefusal> {
    if request.uri.scheme().is_some() || request.uri.authority().is_some() {
        return Err(FramingRefusal::AbsoluteForm);
    }
    let host = single(&request.headers, &HOST).map_err(|_| FramingRefusal::Host)?;
    match host {
        Some(host) if is_authority(host) => Ok(()),
        _ => Err(FramingRefusal::Host),
    }
}

/// RFC 9113 section 8.3.1.
fn check_http2(request: &Parts) -> Result<(), FramingRefusal> {
    if OF_CONNECTIONS
        .iter()
        .any(|name| request.headers.contains_key(name))
    {
        return Err(FramingRefusal::ConnectionField);
    }
    if request
        .headers
        .get_all(TE)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"trailers"))
    {
        return Err(FramingRefusal::ConnectionField);
    }
    let host = single(&request.headers, &HOST).map_err(|_| FramingRefusal::Host)?;
    match (request.uri.authority(), host) {
        (Some(authority), Some(host))
            if !host
                .as_bytes()
                .eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            Err(FramingRefusal::Host)
        }
        (Some(authority), _) if authority.as_str().contains('@') => Err(FramingRefusal::Host),
        (Some(_), _) => Ok(()),
        (None, Some(host)) if is_authority(host) => Ok(()),
        (None, _) => Err(FramingRefusal::Host),
    }
}

/// One host, perhaps with a port; no list, no user.
fn is_authority(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else {
        return false;
    };
    !text.contains(['@', ',']) && text.parse::<http::uri::Authority>().is_ok()
}

/// The one value of a field, if there is any.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    match values.next() {
        Some(_) => Err(Repeated),
        None => Ok(first),
    }
}

/// A field that may stand once stands more than once.
struct Repeated;

/// Why a request is refused as such. None quotes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FramingRefusal {
    /// TRACE or CONNECT.
    #[error("the method is not served here")]
    Method,
    /// Neither HTTP/1.0, 1.1 nor 2.
    #[error("the version of HTTP is not served here")]
    Version,
    /// None, several, one that is no host, or one that differs from `:authority`.
    #[error("the request must name exactly one host")]
    Host,
    /// The target is a whole URL: this is no forward proxy.
    #[error("the target of the request must be a path")]
    AbsoluteForm,
    /// Several, or one that is no number.
    #[error("the request must have at most one Content-Length, a number")]
    ContentLength,
    /// Several, or another than `chunked`.
    #[error("the request must have at most one Transfer-Encoding, chunked")]
    TransferEncoding,
    /// Two ends of one body.
    #[error("the request has Content-Length beside Transfer-Encoding")]
    LengthAndCoding,
    /// HTTP/1.0 with a body.
    #[error("a request of HTTP/1.0 must have no body")]
    BodyInHttp10,
    /// A field of HTTP/1.1 connections in a later version.
    #[error("the request has a field that its version of HTTP does not know")]
    ConnectionField,
}

impl FramingRefusal {
    /// A stable word for logs, metrics and callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Method => "method_not_allowed",
            Self::Version => "http_version",
            Self::Host => "host",
            Self::AbsoluteForm => "absolute_form",
            Self::ContentLength => "content_length",
            Self::TransferEncoding => "transfer_encoding",
            Self::LengthAndCoding => "length_and_coding",
            Self::BodyInHttp10 => "body_in_http_1_0",
            Self::ConnectionField => "connection_field",
        }
    }

    /// What the caller is answered with. 405 wants `Allow` beside it (RFC 9110 section 15.5.6).
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}
