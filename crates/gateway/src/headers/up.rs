//! What goes up: the caller's fields without those that speak of this connection, claim an origin, or carry a
//! credential.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    UPGRADE, VIA,
};
use http::request::Parts;
use http::{Method, StatusCode, Version};

use super::hop;
use super::names::{folded, is_forwarding, is_hop_by_hop, is_own};

/// Our name in `Via` (RFC 9110 section 7.6.3).
pub const PSEUDONYM: &str = "countersign";
/// How often a request may have passed a gateway of this kind: one before another one is a design, a third is a loop.
pub const MOST_OWN_HOPS: usize = 2;
/// How many intermediaries of any kind a request may have passed.
pub const MOST_HOPS: usize = 16;

/// Fields of the caller that are never passed on. `Host` is set from the upstream; `Expect` is answered here.
static DROPPED: [HeaderName; 5] = [
    AUTHORIZATION,
    COOKIE,
    EXPECT,
    HOST,
    HeaderName::from_static("cookie2"),
];

/// Fields on which this hop or the next relies, so that `Connection` may not name them: a proxy that obeys deletes
/// what it has set itself, or what the upstream decides by.
static PROTECTED: [HeaderName; 8] = [
    AUTHORIZATION,
    CONTENT_LENGTH,
    COOKIE,
    HOST,
    VIA,
    http::header::CONTENT_ENCODING,
    http::header::CONTENT_TYPE,
    HeaderName::from_static("traceparent"),
];

/// What is particular about this call.
#[derive(Clone, Copy, Debug)]
pub struct UpRules<'a> {
    /// The names that the credential will set. The caller's own are dropped in every spelling.
    pub credential_names: &'a [HeaderName],
    /// Whether the rule allows WebSockets.
    pub websocket: bool,
}

/// What the connection is to become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Upgrade {
    /// It stays what it is.
    None,
    /// A WebSocket, if the upstream agrees with 101. The fields for it are in the request; it needs HTTP/1.1.
    WebSocket,
}

/// Makes the caller's fields those of the upstream request, in place. The credential is injected afterwards.
///
/// # Errors
/// When what remains could not be trusted.
pub fn prepare(request: &mut Parts, rules: &UpRules<'_>) -> Result<Upgrade, UpRefusal> {
    check_hops(&request.headers)?;
    let nominated = nominated(&request.headers, rules)?;
    let upgrade = upgrade(request, rules)?;
    let takes_trailers = takes_trailers(&request.headers);

    for name in nominated {
        request.headers.remove(name);
    }
    drop_fields(&mut request.headers, rules);

    // Without its `Connection: te`, because hyper's HTTP/2 client would drop both.
    if takes_trailers {
        request.headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if upgrade == Upgrade::WebSocket {
        request
            .headers
            .insert(CONNECTION, HeaderValue::from_static("upgrade"));
        request
            .headers
            .insert(UPGRADE, HeaderValue::from_static(hop::WEBSOCKET));
    }
    request.headers.append(VIA, via(request.version));
    Ok(upgrade)
}

/// Whether the caller asks for a WebSocket.
#[must_use]
pub fn wants_websocket(headers: &HeaderMap) -> bool {
    hop::members(headers, &UPGRADE)
        .flatten()
        .any(|protocol| protocol.eq_ignore_ascii_case(hop::WEBSOCKET))
}

/// Whether a field of this name goes up at all. That the credential takes its place is another question.
#[must_use]
pub fn passes(name: &HeaderName) -> bool {
    let rules = UpRules {
        credential_names: &[],
        websocket: false,
    };
    !is_dropped(name, &rules)
}

/// Drops from the trailers of a request what would be dropped from its head.
pub fn prepare_trailers(trailers: &mut HeaderMap, rules: &UpRules<'_>) {
    drop_fields(trailers, rules);
    // The length is over, and no hop is added down here.
    trailers.remove(CONTENT_LENGTH);
    trailers.remove(VIA);
}

fn drop_fields(headers: &mut HeaderMap, rules: &UpRules<'_>) {
    let dropped: Vec<_> = headers
        .keys()
        .filter(|name| is_dropped(name, rules))
        .cloned()
        .collect();
    for name in dropped {
        headers.remove(name);
    }
}

fn is_dropped(name: &HeaderName, rules: &UpRules<'_>) -> bool {
    let folded = folded(name);
    // Servers that turn underscores into hyphens give such a field the weight of the other.
    name.as_str().contains('_')
        || DROPPED.iter().any(|dropped| *folded == *dropped.as_str())
        || is_hop_by_hop(&folded)
        || is_forwarding(&folded)
        || is_own(&folded)
        || is_credential(&folded, rules)
}

fn is_credential(folded_name: &str, rules: &UpRules<'_>) -> bool {
    rules
        .credential_names
        .iter()
        .any(|credential| folded(credential) == folded_name)
}

fn check_hops(headers: &HeaderMap) -> Result<(), UpRefusal> {
    let (mut all, mut own) = (0, 0);
    for hop in hop::members(headers, &VIA) {
        all += 1;
        let received_by = hop.and_then(|hop| hop.split_whitespace().nth(1));
        own += usize::from(received_by.is_some_and(|name| name.eq_ignore_ascii_case(PSEUDONYM)));
    }
    if all > MOST_HOPS || own > MOST_OWN_HOPS {
        return Err(UpRefusal::Loop);
    }
    Ok(())
}

fn nominated(headers: &HeaderMap, rules: &UpRules<'_>) -> Result<Vec<HeaderName>, UpRefusal> {
    let mut names = Vec::new();
    for name in hop::nominated(headers) {
        let name = name.ok_or(UpRefusal::BadConnection)?;
        let folded = folded(&name);
        let is_protected = PROTECTED.iter().any(|protected| *folded == *protected.as_str())
            || is_forwarding(&folded)
            || is_own(&folded)
            || is_credential(&folded, rules);
        if is_protected {
            return Err(UpRefusal::ProtectedNomination);
        }
        names.push(name);
    }
    Ok(names)
}

/// A WebSocket is asked for or it is not. Other protocols (`h2c`, TLS) are not offered here, and an offer may be
/// ignored (RFC 9110 section 7.8).
fn upgrade(request: &Parts, rules: &UpRules<'_>) -> Result<Upgrade, UpRefusal> {
    if !wants_websocket(&request.headers) {
        return Ok(Upgrade::None);
    }
    if !rules.websocket {
        return Err(UpRefusal::WebSocketNotAllowed);
    }
    // RFC 6455 section 4.1. A body would be read by two: as such, and as frames.
    let has_body = [CONTENT_LENGTH, http::header::TRANSFER_ENCODING]
        .iter()
        .any(|name| request.headers.get(name).is_some_and(|value| value != "0"));
    if request.method != Method::GET
        || request.version != Version::HTTP_11
        || has_body
        || !hop::is_websocket_alone(&request.headers)
    {
        return Err(UpRefusal::BadUpgrade);
    }
    Ok(Upgrade::WebSocket)
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    hop::members(headers, &TE)
        .flatten()
        .any(|coding| coding.eq_ignore_ascii_case("trailers"))
}

fn via(version: Version) -> HeaderValue {
    HeaderValue::from_static(match version {
        Version::HTTP_10 => "1.0 countersign",
        Version::HTTP_2 => "2 countersign",
        _ => "1.1 countersign",
    })
}

/// Why a request does not go up. None quotes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UpRefusal {
    /// `Connection` holds what is no field name.
    #[error("Connection must hold field names")]
    BadConnection,
    /// `Connection` names a field that must arrive, or that must not have been sent.
    #[error("Connection names a field that may not be dropped")]
    ProtectedNomination,
    /// A WebSocket, where none is allowed.
    #[error("WebSockets are not allowed here")]
    WebSocketNotAllowed,
    /// A handshake that is none (RFC 6455 section 4.1).
    #[error("the WebSocket handshake is not a plain GET of HTTP/1.1 for a WebSocket alone")]
    BadUpgrade,
    /// It came through here before, or through too many others.
    #[error("the request goes round in circles")]
    Loop,
}

impl UpRefusal {
    /// A stable word for logs, metrics and callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadConnection => "bad_connection_field",
            Self::ProtectedNomination => "protected_nomination",
            Self::WebSocketNotAllowed => "websocket_not_allowed",
            Self::BadUpgrade => "bad_upgrade",
            Self::Loop => "loop",
        }
    }

    /// What the caller is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadConnection | Self::ProtectedNomination | Self::BadUpgrade => StatusCode::BAD_REQUEST,
            Self::WebSocketNotAllowed => StatusCode::FORBIDDEN,
            Self::Loop => StatusCode::LOOP_DETECTED,
        }
    }
}
