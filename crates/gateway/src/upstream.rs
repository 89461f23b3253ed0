//! Where a provider is: scheme, host, port and base path, taken once from configuration.
//!
//! No part of a request changes any of it. The one value is used for policy, `Host`, SNI, certificate and connection,
//! so that no two of them can differ.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::address::AddressGuard;
use crate::canonical_path::{CanonicalPath, PathParameters, PathRefusal};
use crate::host::{Host, HostError};
use crate::query::Query;

/// A provider's place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upstream {
    scheme: Scheme,
    host: Host,
    port: u16,
    authority: Authority,
    /// Without its last slash; empty for the root.
    base_path: String,
}

impl Upstream {
    /// Reads a base URL from configuration, such as `https://api.example.com/v1`.
    ///
    /// `guard` is the provider's: plain HTTP, addresses and local names need an allow-list.
    ///
    /// # Errors
    /// When it is no such URL or not one for this provider.
    pub fn parse(base_url: &str, guard: &AddressGuard) -> Result<Self, UpstreamError> {
        let (scheme, rest) = base_url.split_once("://").ok_or(UpstreamError::Malformed)?;
        let scheme = scheme_of(scheme, guard)?;
        let path_at = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (place, path) = rest.split_at(path_at);
        if place.contains('@') {
            return Err(UpstreamError::UserInfo);
        }
        let (host, port) = split_port(place)?;
        let host = Host::parse(host, guard)?;
        let default_port = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let port = port.unwrap_or(default_port);
        // The default port is not written: upstreams compare `Host`, and signatures cover it.
        let authority = if port == default_port {
            host.to_string()
        } else {
            format!("{host}:{port}")
        };
        Ok(Self {
            scheme,
            authority: authority.parse().map_err(|_| UpstreamError::Malformed)?,
            host,
            port,
            base_path: base_path(path)?,
        })
    }

    /// `https`, or `http` where an allow-list says that it stays on a private network.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, also when it is the scheme's own.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Without its last slash; empty for the root.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// The text of `Host` and `:authority`.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The text that a credential is sealed for: the authority, and `http://` before it where calls go in the clear. A change of
    /// the scheme alone so takes the credential away.
    #[must_use]
    pub fn sealed_host(&self) -> String {
        if self.scheme == Scheme::HTTPS {
            self.authority.to_string()
        } else {
            format!("{}://{}", self.scheme, self.authority)
        }
    }

    /// The URI of a call. Path and query were judged as they stand here.
    ///
    /// # Errors
    /// When the parts are longer together than `http` can hold (64 KiB); their own limits keep below that.
    pub fn uri(&self, path: &CanonicalPath, query: Option<&Query>) -> Result<Uri, http::Error> {
        let query = query.map(|query| format!("?{}", query.as_str()));
        let target = format!("{}{path}{}", self.base_path, query.as_deref().unwrap_or_default());
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(PathAndQuery::try_from(target)?)
            .build()
    }

    /// Whether a connection for this URI is one to this place.
    pub(crate) fn is_place_of(&self, uri: &Uri) -> bool {
        uri.scheme() == Some(&self.scheme) && uri.authority() == Some(&self.authority)
    }
}

fn scheme_of(text: &str, guard: &AddressGuard) -> Result<Scheme, UpstreamError> {
    if text.eq_ignore_ascii_case("https") {
        Ok(Scheme::HTTPS)
    } else if !text.eq_ignore_ascii_case("http") {
        Err(UpstreamError::Scheme)
    } else if guard.lists_any() {
        Ok(Scheme::HTTP)
    } else {
        Err(UpstreamError::PlainHttp)
    }
}

fn split_port(place: &str) -> Result<(&str, Option<u16>), UpstreamError> {
    // The colons of an IPv6 address stand before its bracket.
    let after_address = place.rfind(']').unwrap_or(0);
    let Some(colon) = place.rfind(':').filter(|colon| *colon > after_address) else {
        return Ok((place, None));
    };
    let (host, port) = (place.get(..colon), place.get(colon + 1..));
    let (host, port) = host.zip(port).ok_or(UpstreamError::Malformed)?;
    // `parse` alone would take a plus sign.
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UpstreamError::Port);
    }
    match port.parse() {
        Ok(0) | Err(_) => Err(UpstreamError::Port),
        Ok(port) => Ok((host, Some(port))),
    }
}

fn base_path(path: &str) -> Result<String, UpstreamError> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let canonical = CanonicalPath::parse(path, PathParameters::Refused)?;
    let text = canonical.as_str();
    Ok(text.strip_suffix('/').unwrap_or(text).to_owned())
}

/// Why a base URL is refused. None quotes it: people paste credentials into URLs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Not of the form `https://host/path`.
    #[error("the base URL must have the form https://host[:port][/path]")]
    Malformed,
    /// Another scheme.
    #[error("the base URL must begin with https:// or http://")]
    Scheme,
    /// The credential would cross a public network in the clear.
    #[error("plain http needs the range the provider lives in: list it with --allow-cidr, or use https")]
    PlainHttp,
    /// `user:password@` in front of the host.
    #[error("the base URL must not hold a user or password: set a credential instead")]
    UserInfo,
    /// Not a number from 1 to 65535.
    #[error("the base URL's port is not a number from 1 to 65535")]
    Port,
    /// The host is refused.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The base path is refused.
    #[error("the base URL: {0}")]
    Path(#[from] PathRefusal),
}

impl UpstreamError {
    /// A stable word for callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "base_url_malformed",
            Self::Scheme => "base_url_scheme",
            Self::PlainHttp => "base_url_plain_http",
            Self::UserInfo => "base_url_user_info",
            Self::Port => "base_url_port",
            Self::Host(error) => error.code(),
            Self::Path(refusal) => refusal.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allowed: &[&str]) -> AddressGuard {
        let allowed = allowed.iter().map(|range| range.parse().unwrap()).collect();
        AddressGuard::new(allowed, Vec::new()).unwrap()
    }

    fn parse(base_url: &str) -> Result<Upstream, UpstreamError> {
        Upstream::parse(base_url, &guard(&[]))
    }

    fn call(upstream: &Upstream, path: &str, query: Option<&str>) -> String {
        let path = CanonicalPath::parse(path, PathParameters::Refused).unwrap();
        let query = query.map(|query| Query::parse(query).unwrap());
        upstream.uri(&path, query.as_ref()).unwrap().to_string()
    }

    #[test]
    fn one_place_however_it_is_written() {
        for written in [
            "https://api.example.com/v1",
            "HTTPS://API.example.com./v1/",
            "https://api.example.com:443/v1",
            "https://api.example.com:0443/%76%31",
        ] {
            let upstream = parse(written).unwrap();
            assert_eq!(upstream.authority(), "api.example.com", "{written}");
            assert_eq!((upstream.scheme(), upstream.port()), (&Scheme::HTTPS, 443));
            assert_eq!(
                call(&upstream, "/users", None),
                "https://api.example.com/v1/users"
            );
        }
    }

    #[test]
    fn another_port_is_part_of_the_authority() {
        let upstream = parse("https://api.example.com:8443").unwrap();
        assert_eq!(upstream.authority(), "api.example.com:8443");
        let upstream = Upstream::parse("http://[fd00::1]:8080/a", &guard(&["fd00::/8"])).unwrap();
        assert_eq!(call(&upstream, "/b", None), "http://[fd00::1]:8080/a/b");
        let upstream = Upstream::parse("http://10.0.0.1:80", &guard(&["10.0.0.0/8"])).unwrap();
        assert_eq!(upstream.authority(), "10.0.0.1");
    }

    #[test]
    fn a_credential_is_sealed_for_the_scheme_as_well() {
        let in_the_clear = Upstream::parse("http://api.example.com/v1", &guard(&["10.0.0.0/8"])).unwrap();
        let secure = parse("https://api.example.com/v1").unwrap();
        assert_eq!(in_the_clear.authority(), secure.authority());
        assert_eq!(in_the_clear.sealed_host(), "http://api.example.com");
        assert_eq!(secure.sealed_host(), "api.example.com");
    }

    #[test]
    fn a_call_goes_below_the_base_path_as_it_was_judged() {
        let upstream = parse("https://api.example.com/v1/").unwrap();
        for (path, query, expected) in [
            ("/", None, "/v1/"),
            (
                "/a%20b/%252e%252e/x:y",
                Some("q=%2e%2E/../&x"),
                "/v1/a%20b/%252e%252e/x:y?q=%2e%2E/../&x",
            ),
            ("/@evil", Some(""), "/v1/@evil?"),
            ("/http:", None, "/v1/http:"),
        ] {
            assert_eq!(
                call(&upstream, path, query),
                format!("https://api.example.com{expected}")
            );
        }
        let root = parse("https://api.example.com").unwrap();
        assert_eq!(
            call(&root, "/@evil.example", None),
            "https://api.example.com/@evil.example"
        );
    }

    #[test]
    fn the_longest_parts_fit_together() {
        let longest = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
        let base = longest(crate::canonical_path::MAX_PATH_BYTES);
        let upstream = parse(&format!("https://api.example.com{base}")).unwrap();
        let query = "q".repeat(crate::query::MAX_QUERY_BYTES);
        assert!(call(&upstream, &base, Some(&query)).len() > 48 * 1024);
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for (written, expected) in [
            ("api.example.com", UpstreamError::Malformed),
            ("//api.example.com", UpstreamError::Malformed),
            ("ftp://api.example.com", UpstreamError::Scheme),
            (" https://api.example.com", UpstreamError::Scheme),
            ("https:\\\\api.example.com", UpstreamError::Malformed),
            ("http://api.example.com", UpstreamError::PlainHttp),
            ("https://user:secret@api.example.com", UpstreamError::UserInfo),
            ("https://api.example.com@evil.example/", UpstreamError::UserInfo),
            ("https://api.example.com:0", UpstreamError::Port),
            ("https://api.example.com:+443", UpstreamError::Port),
            ("https://api.example.com:65536", UpstreamError::Port),
            ("https://api.example.com:", UpstreamError::Port),
            ("https://", HostError::Malformed.into()),
            ("https:///v1", HostError::Malformed.into()),
            (
                "https://api.example.com%00.evil.example",
                HostError::Malformed.into(),
            ),
            ("https://127.1/", HostError::LegacyAddress.into()),
            ("https://10.0.0.1/", HostError::AddressNotAllowed.into()),
            ("https://localhost./", HostError::LocalName.into()),
            ("https://api.example.com?x=y", PathRefusal::NotAbsolute.into()),
            ("https://api.example.com#x", PathRefusal::NotAbsolute.into()),
            ("https://api.example.com\\v1", PathRefusal::NotAbsolute.into()),
            ("https://api.example.com/v1?x=y", PathRefusal::Delimiter.into()),
            ("https://api.example.com/v1/../v2", PathRefusal::DotSegment.into()),
            ("https://api.example.com/v1//", PathRefusal::EmptySegment.into()),
        ] {
            let refused = parse(written);
            assert_eq!(refused, Err(expected), "{written}");
            assert!(!expected.to_string().contains("secret"));
        }
    }

    #[test]
    fn a_uri_of_another_place_is_none_of_ours() {
        let upstream = parse("https://api.example.com/v1").unwrap();
        for (uri, expected) in [
            ("https://api.example.com/x", true),
            ("https://api.example.com:8443/x", false),
            ("http://api.example.com/x", false),
            ("https://evil.example/x", false),
            ("/x", false),
        ] {
            assert_eq!(upstream.is_place_of(&uri.parse().unwrap()), expected, "{uri}");
        }
    }
}
