//! What comes down: the upstream's answer without what would speak for our origin, our connection, or us.
//!
//! To a browser every answer of the gateway is of one origin, whichever provider it is from. What an upstream may say
//! about its own origin (cookies, HSTS, who may read it, what runs on it) it must not say about ours.

use http::StatusCode;
use http::header::{
    ALT_SVC, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPIRES, HeaderMap,
    HeaderName, HeaderValue, PRAGMA, PUBLIC_KEY_PINS, PUBLIC_KEY_PINS_REPORT_ONLY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, UPGRADE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::response::Parts;

use super::hop;
use super::names::{is_hop_by_hop, is_own};
use super::up::Upgrade;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What an upstream may not say about our origin, or to a reverse proxy in front of us.
static DROPPED: [HeaderName; 21] = [
    ALT_SVC,
    PUBLIC_KEY_PINS,
    PUBLIC_KEY_PINS_REPORT_ONLY,
    STRICT_TRANSPORT_SECURITY,
    CROSS_ORIGIN_RESOURCE_POLICY,
    X_CONTENT_TYPE_OPTIONS,
    HeaderName::from_static("accept-ch"),
    HeaderName::from_static("alt-used"),
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("critical-ch"),
    HeaderName::from_static("expect-ct"),
    HeaderName::from_static("nel"),
    HeaderName::from_static("origin-agent-cluster"),
    HeaderName::from_static("report-to"),
    HeaderName::from_static("reporting-endpoints"),
    HeaderName::from_static("service-worker-allowed"),
    HeaderName::from_static("timing-allow-origin"),
    // nginx, Apache and Lighttpd in front of us would send one of their own files instead.
    HeaderName::from_static("x-accel-redirect"),
    HeaderName::from_static("x-lighttpd-send-file"),
    HeaderName::from_static("x-reproxy-url"),
    HeaderName::from_static("x-sendfile"),
];
const CORS_PREFIX: &str = "access-control-";

/// What caches would go by.
static CACHING: [HeaderName; 5] = [
    CACHE_CONTROL,
    EXPIRES,
    PRAGMA,
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("surrogate-control"),
];

/// What a provider's operator opted in to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DownRules {
    /// `Set-Cookie` is passed on.
    pub cookies: bool,
    /// The upstream's `Cache-Control` is passed on.
    pub caching: bool,
}

/// Makes the upstream's fields those of our answer, in place. `asked` is what the request asked for.
///
/// # Errors
/// When the upstream switches protocols in a way that was not asked for; the connection to it is not used again.
pub fn prepare(answer: &mut Parts, rules: DownRules, asked: Upgrade) -> Result<(), DownRefusal> {
    let switches = answer.status == StatusCode::SWITCHING_PROTOCOLS;
    if switches && (asked != Upgrade::WebSocket || !hop::is_websocket_alone(&answer.headers)) {
        return Err(DownRefusal::UnaskedSwitch);
    }
    for name in hop::nominated(&answer.headers).into_iter().flatten() {
        answer.headers.remove(name);
    }
    drop_fields(&mut answer.headers, rules);
    if switches {
        let headers = &mut answer.headers;
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static(hop::WEBSOCKET));
        return Ok(());
    }
    protect_origin(&mut answer.headers);
    set_caching(&mut answer.headers, rules);
    Ok(())
}

/// Drops from the trailers of an answer what would be dropped from its head.
pub fn prepare_trailers(trailers: &mut HeaderMap, rules: DownRules) {
    drop_fields(trailers, rules);
    // They would widen what the head has said.
    for name in [CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY]
        .iter()
        .chain(&CACHING)
    {
        trailers.remove(name);
    }
}

fn drop_fields(headers: &mut HeaderMap, rules: DownRules) {
    let dropped: Vec<_> = headers
        .keys()
        .filter(|name| is_dropped(name, rules))
        .cloned()
        .collect();
    for name in dropped {
        headers.remove(name);
    }
}

fn is_dropped(name: &HeaderName, rules: DownRules) -> bool {
    let text = name.as_str();
    DROPPED.contains(name)
        || is_hop_by_hop(text)
        || text.starts_with(CORS_PREFIX)
        // An upstream must not pass its refusals off as ours.
        || is_own(text)
        || (!rules.cookies && (*name == SET_COOKIE || text == "set-cookie2"))
        || (!rules.caching && CACHING.contains(name))
}

fn protect_origin(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Reading across origins goes by CORS alone; embedding is not offered.
    headers.insert(
        CROSS_ORIGIN_RESOURCE_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    if may_run_script(headers) {
        // Beside the upstream's own policies, of which each restricts further.
        headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    }
}

/// Whether a browser that is led here might show it as a document with scripts. In doubt, yes.
fn may_run_script(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return true;
    };
    let Ok(text) = value.to_str() else {
        return true;
    };
    // Several joined by commas are read by some as the first, by others as the last.
    text.split(',').any(|one| {
        let essence = one
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        !essence.contains('/')
            || ["html", "xml", "xsl", "svg", "multipart/"]
                .iter()
                .any(|part| essence.contains(part))
    })
}

fn set_caching(headers: &mut HeaderMap, rules: DownRules) {
    if rules.caching {
        // What one caller may see another may not.
        headers.append(VARY, HeaderValue::from_static("authorization"));
    } else {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Why an answer does not come down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DownRefusal {
    /// 101 for something that was not asked for.
    #[error("the upstream switched to a protocol that was not asked for")]
    UnaskedSwitch,
}

impl DownRefusal {
    /// A stable word for logs, metrics and callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnaskedSwitch => "unasked_switch",
        }
    }

    /// What the caller is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::UnaskedSwitch => StatusCode::BAD_GATEWAY,
        }
    }
}
