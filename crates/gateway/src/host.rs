//! The name of an upstream's machine, in its one form.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use rustls::pki_types::{DnsName, ServerName};

use crate::address::AddressGuard;

/// Names that are never a public machine's (RFC 6761, 6762, 8375; ICANN's `internal`; the habits of routers).
const LOCAL_SUFFIXES: [&str; 8] = [
    "localhost",
    "local",
    "internal",
    "home.arpa",
    "localdomain",
    "lan",
    "intranet",
    "corp",
];

/// A host as it stands in policy, `Host`, SNI and certificate alike: lower case, ASCII, without a trailing dot.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Host(Kind);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Kind {
    Name(DnsName<'static>),
    Address(IpAddr),
}

impl Host {
    /// Reads a host as it stands in a URL, IPv6 addresses in brackets.
    ///
    /// `guard` is the provider's: an address can be named only if its list of allowed ranges holds it, and a name of
    /// the local network only if there is such a list at all. Where a name leads is judged when it is dialled.
    ///
    /// # Errors
    /// When it is no host, or one that this provider may not have.
    pub fn parse(text: &str, guard: &AddressGuard) -> Result<Self, HostError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(HostError::Malformed)?;
            return address(ip_v6(inner)?, guard);
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let ascii = Uts46::new()
            .to_ascii(
                name.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::CheckFirstLast,
                DnsLength::Verify,
            )
            .map_err(|_| HostError::Malformed)?;
        // Only now, because full-width digits and other spellings have become plain ones.
        if ends_in_number(&ascii) {
            let plain = ascii.parse::<Ipv4Addr>().map_err(|_| HostError::LegacyAddress)?;
            return address(plain.into(), guard);
        }
        if is_local(&ascii) && !guard.lists_any() {
            return Err(HostError::LocalName);
        }
        let name = DnsName::try_from(ascii.into_owned()).map_err(|_| HostError::Malformed)?;
        Ok(Self(Kind::Name(name)))
    }

    /// The name for SNI, and the one the certificate must have.
    #[must_use]
    pub fn server_name(&self) -> ServerName<'static> {
        match &self.0 {
            Kind::Name(name) => ServerName::DnsName(name.clone()),
            Kind::Address(address) => ServerName::IpAddress((*address).into()),
        }
    }

    /// The address, when the host is given as one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Kind::Name(_) => None,
            Kind::Address(address) => Some(address),
        }
    }
}

/// As in a URL: IPv6 addresses have brackets.
impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(name) => formatter.write_str(name.as_ref()),
            Kind::Address(IpAddr::V4(address)) => address.fmt(formatter),
            Kind::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
        }
    }
}

fn ip_v6(text: &str) -> Result<IpAddr, HostError> {
    let parsed = text.parse::<Ipv6Addr>().map_err(|_| HostError::Malformed)?;
    match parsed.to_ipv4_mapped() {
        // Written so, only to be taken for something else than the IPv4 address it is.
        Some(_) => Err(HostError::LegacyAddress),
        None => Ok(parsed.into()),
    }
}

fn address(ip: IpAddr, guard: &AddressGuard) -> Result<Host, HostError> {
    if guard.lists(ip) {
        Ok(Host(Kind::Address(ip)))
    } else {
        Err(HostError::AddressNotAllowed)
    }
}

/// Whether a resolver of C or a browser would read the name as an IPv4 address: `2852039166`, `0x7f.1`, `127.1`. No
/// top-level domain is a number (the "ends in a number" test of the WHATWG's URL standard).
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_hex = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hex || last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the name can only mean a machine nearby. One without a dot is completed from the machine's search list.
fn is_local(name: &str) -> bool {
    !name.contains('.')
        || LOCAL_SUFFIXES.iter().any(|suffix| {
            name.strip_suffix(suffix)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}

/// Why a host is refused. None quotes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HostError {
    /// Neither a domain name (RFC 1035, UTS 46) nor an address.
    #[error("the host is neither a domain name nor an IP address")]
    Malformed,
    /// An IPv4 address in a spelling that readers disagree about.
    #[error("the host is an IPv4 address in an old spelling: write it as four decimal numbers")]
    LegacyAddress,
    /// An address that is not in the provider's allow-list.
    #[error("the host is an IP address: list it with --allow-cidr, or use a name")]
    AddressNotAllowed,
    /// A name of the local network, without an allow-list.
    #[error("the host is a name of the local network: list the range it lives in with --allow-cidr")]
    LocalName,
}

impl HostError {
    /// A stable word for callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "host_malformed",
            Self::LegacyAddress => "host_legacy_address",
            Self::AddressNotAllowed => "host_address_not_allowed",
            Self::LocalName => "host_local_name",
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

    fn parse(text: &str, allowed: &[&str]) -> Result<String, HostError> {
        Host::parse(text, &guard(allowed)).map(|host| host.to_string())
    }

    #[test]
    fn names_have_one_form() {
        for (text, expected) in [
            ("api.example.com", "api.example.com"),
            ("API.Example.COM.", "api.example.com"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("api\u{3002}example.com", "api.example.com"),
            ("my--bucket.example.com", "my--bucket.example.com"),
            ("1password.com", "1password.com"),
            // Looks like an address, and leads to one: that is the dialler's to see.
            ("127.0.0.1.nip.io", "127.0.0.1.nip.io"),
        ] {
            assert_eq!(parse(text, &[]).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            ".",
            "a..b",
            "a.b..",
            ".a",
            "-a.com",
            "a-.com",
            "a_b.com",
            "a b.com",
            "a@b.com",
            "a/b",
            "a\\b",
            "a%2eb",
            "a:80",
            "[::1",
            "::1",
            "[::1%25eth0]",
            "[1.2.3.4]",
            "[]",
            "a\0.com",
            "xn--\u{fc}.com",
        ] {
            assert_eq!(
                parse(text, &["127.0.0.0/8", "::1/128"]),
                Err(HostError::Malformed),
                "{text:?}"
            );
        }
        let label = "a".repeat(64);
        assert_eq!(parse(&format!("{label}.com"), &[]), Err(HostError::Malformed));
    }

    #[test]
    fn old_spellings_of_addresses_are_refused_even_where_the_address_is_allowed() {
        let allowed = ["127.0.0.0/8", "10.0.0.0/8", "169.0.0.0/8"];
        for text in [
            "2852039166",
            "0x7f.1",
            "127.1",
            "0x7f000001",
            "0177.0.0.1",
            "127.0.1",
            "127.0.0.01",
            "0xa9fea9fe",
            "1.2.3.4.5",
            "0x",
            "[::ffff:a00:1]",
            "[::ffff:10.0.0.1]",
            "\u{ff11}\u{ff12}\u{ff17}.1",
            "foo.0x7f",
            "127.1.",
        ] {
            assert_eq!(parse(text, &allowed), Err(HostError::LegacyAddress), "{text}");
        }
    }

    #[test]
    fn an_address_is_a_host_only_where_it_is_listed() {
        for (text, range) in [
            ("10.1.2.3", "10.1.0.0/16"),
            ("10.1.2.3.", "10.1.0.0/16"),
            ("[fd00::1]", "fd00::/8"),
            ("93.184.216.34", "93.184.216.34/32"),
        ] {
            assert_eq!(parse(text, &[]), Err(HostError::AddressNotAllowed), "{text}");
            assert_eq!(
                parse(text, &["192.168.0.0/16"]),
                Err(HostError::AddressNotAllowed),
                "{text}"
            );
            assert_eq!(parse(text, &[range]).as_deref(), Ok(text.trim_end_matches('.')));
        }
        assert_eq!(
            parse("[FD00:0:0::0001]", &["fd00::/8"]).as_deref(),
            Ok("[fd00::1]")
        );
    }

    #[test]
    fn names_of_the_local_network_need_an_allow_list() {
        for name in [
            "localhost",
            "localhost.",
            "LOCALHOST",
            "foo.localhost",
            "vault",
            "printer.local",
            "metadata.google.internal",
            "nas.home.arpa",
            "router.lan",
            "git.corp",
            "localhost.localdomain",
        ] {
            assert_eq!(parse(name, &[]), Err(HostError::LocalName), "{name}");
            assert!(parse(name, &["10.0.0.0/8"]).is_ok(), "{name}");
        }
        for public in ["notlocalhost.com", "my-internal.com", "corp.example.com"] {
            assert!(parse(public, &[]).is_ok(), "{public}");
        }
    }

    #[test]
    fn the_name_for_tls_is_the_name_shown() {
        let name = Host::parse("API.example.com.", &guard(&[]))
            .unwrap()
            .server_name();
        assert_eq!(name.to_str(), "api.example.com");
        let address = Host::parse("10.0.0.1", &guard(&["10.0.0.0/8"]))
            .unwrap()
            .server_name();
        assert!(matches!(address, ServerName::IpAddress(_)));
    }
}
