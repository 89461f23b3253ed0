//! What is known of a request before anyone has looked at its credentials.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use countersign_core::ids::{self, Environment};
use countersign_core::usage::USER_AGENT_MAX_CHARS;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ipnet::IpNet;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::app::App;
use crate::chance::chance;
use crate::problem::{ErrorType, Problem};

/// The request's id and origin, put on each request by `http/edge.rs`.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// `request-id-<env>-<uuid>`: in every body, in the log, in the audit.
    pub request_id: String,
    /// The caller's address, by the nearest proxy that is believed.
    pub address: IpAddr,
}

impl RequestContext {
    /// Looks at a request.
    pub fn of(request: &Request, trusted_proxies: &[IpNet]) -> Self {
        let environment = environment_of(request);
        let socket = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        Self {
            request_id: ids::generate_request_id(environment, &mut chance()),
            address: real_address(socket, request.headers(), trusted_proxies),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing = || ErrorType::InternalServerError.because("The request has no context.");
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

/// The environment that a request id names: that of the project id in the path or in the Basic header.
fn environment_of(request: &Request) -> Environment {
    const LIVE: &str = "project-live-";
    let in_path = request.uri().path().contains(LIVE);
    if in_path || basic_credentials(request.headers()).is_some_and(|(user, _)| user.starts_with(LIVE)) {
        Environment::Live
    } else {
        Environment::Test
    }
}

/// The one Authorization header. Of two, a proxy may have judged the other one.
fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    value.to_str().ok()
}

/// User name and password of a Basic header (RFC 7617), as they were sent.
pub fn basic_credentials(headers: &HeaderMap) -> Option<(String, SecretString)> {
    let value = authorization(headers)?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((user.to_owned(), SecretString::from(password)))
}

/// The token of a Bearer header (RFC 6750 section 2.1).
pub fn bearer_token(headers: &HeaderMap) -> Option<SecretString> {
    let value = authorization(headers)?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| SecretString::from(token.trim()))
}

/// The user agent, shortened, without characters that could forge a line.
pub fn user_agent(headers: &HeaderMap) -> Cow<'_, str> {
    let text = headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if text.len() <= USER_AGENT_MAX_CHARS && !text.contains(char::is_control) {
        return text.into();
    }
    let sound = text.chars().filter(|c| !c.is_control());
    sound.take(USER_AGENT_MAX_CHARS).collect()
}

/// The address a request came from. Each proxy appends the address it saw to X-Forwarded-For, so from the right, every
/// address that belongs to a trusted proxy is passed over; the first other one is the caller. What stands further left
/// was written by the caller and may say anything.
fn real_address(socket: Option<IpAddr>, headers: &HeaderMap, trusted_proxies: &[IpNet]) -> IpAddr {
    const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    let unknown = IpAddr::from([0, 0, 0, 0]);
    let socket = socket.map_or(unknown, |address| address.to_canonical());
    let is_trusted = |address: &IpAddr| trusted_proxies.iter().any(|network| network.contains(address));
    if !is_trusted(&socket) {
        return socket;
    }
    let listed = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value: &HeaderValue| value.to_str().ok());
    let addresses: Vec<&str> = listed.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut last_believed = socket;
    for text in addresses.iter().rev() {
        let Ok(address) = text.parse::<IpAddr>().map(|address| address.to_canonical()) else {
            break;
        };
        last_believed = address;
        if !is_trusted(&address) {
            break;
        }
    }
    last_believed
}

/// The whole body, within the limit for most.
pub async fn read_body(body: Body, app: &App) -> Result<Bytes, Problem> {
    read_body_up_to(body, app.config.limits.body_kib * 1024).await
}

/// The whole body, within a limit in bytes.
pub async fn read_body_up_to(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(ErrorType::RequestTooLarge.because(format!("The body has at most {limit} bytes.")))
        }
        Err(_) => Err(ErrorType::BadRequest.because("The body could not be read.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(socket: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        real_address(socket.parse().ok(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(
            address("203.0.113.9", &["198.51.100.1"]),
            "203.0.113.9",
            "not a proxy: its header is its own"
        );
        assert_eq!(address("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            address("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.7"]),
            "198.51.100.1",
            "forged part ignored"
        );
        assert_eq!(
            address("10.0.0.1", &["1.2.3.4", "198.51.100.1"]),
            "198.51.100.1",
            "two header lines"
        );
        assert_eq!(address("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(
            address("::ffff:10.0.0.1", &["198.51.100.1"]),
            "198.51.100.1",
            "mapped addresses are the same"
        );
    }

    #[test]
    fn a_basic_header_parts_at_the_first_colon() {
        let mut headers = HeaderMap::new();
        headers.insert(
            AUTHORIZATION,
            format!("basic {}", STANDARD.encode("user:pass:word"))
                .parse()
                .unwrap(),
        );
        let (user, password) = basic_credentials(&headers).unwrap();
        assert_eq!(
            (user.as_str(), secrecy::ExposeSecret::expose_secret(&password)),
            ("user", "pass:word")
        );
        for bad in [
            "Basic",
            "Basic !!!",
            "Bearer dTpw",
            &format!("Basic {}", STANDARD.encode("no colon")),
        ] {
            headers.insert(AUTHORIZATION, bad.parse().unwrap());
            assert!(basic_credentials(&headers).is_none(), "{bad}");
        }
    }

    #[test]
    fn user_agents_are_shortened() {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, "x".repeat(500).parse().unwrap());
        assert_eq!(user_agent(&headers).len(), USER_AGENT_MAX_CHARS);
    }
}
