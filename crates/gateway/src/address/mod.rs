//! Which addresses may be dialled.
//!
//! A name in a provider's configuration says nothing about where it leads: whoever answers for it in DNS may point it
//! at this machine, at the network behind it, or at the cloud's metadata service, and a gateway that follows carries
//! a credential there. So every address is judged here, after resolution and before the connection.

mod embedded;
mod ranges;

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use embedded::embedded;
use ranges::{METADATA, NOT_A_HOST, NOT_PUBLIC, covering};

/// The shortest prefix of an allow-list's IPv4 range: that of 10.0.0.0/8, the widest private one.
pub const SHORTEST_V4_PREFIX: u8 = 8;
/// The shortest prefix of an allow-list's IPv6 range: that of fc00::/7, the widest private one.
pub const SHORTEST_V6_PREFIX: u8 = 7;

/// Judges addresses for one provider.
#[derive(Clone, Debug, Default)]
pub struct AddressGuard {
    allowed: Vec<IpNet>,
    own: Vec<SocketAddr>,
}

impl AddressGuard {
    /// `allowed` are the ranges in which this provider may live beside the public ones; `own` is where the gateway
    /// itself listens.
    ///
    /// A gateway that listens on the unspecified address hands in the addresses of its interfaces as well: here only
    /// loopback is known to lead back to it.
    ///
    /// # Errors
    /// When a range is too wide to be meant for one provider, or is written in a form that no address is compared in.
    pub fn new(allowed: Vec<IpNet>, own: Vec<SocketAddr>) -> Result<Self, AllowListError> {
        for range in &allowed {
            check_range(range)?;
        }
        let own = own
            .into_iter()
            .map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()))
            .collect();
        Ok(Self { allowed, own })
    }

    /// Whether this address may be dialled.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(&self, address: SocketAddr) -> Result<(), Forbidden> {
        let ip = address.ip().to_canonical();
        self.check_one(ip, address.port())?;
        // A translator or relay on the way turns such an address into the IPv4 address inside: both must be fit to be
        // dialled.
        embedded(ip).try_for_each(|inner| self.check_one(IpAddr::V4(inner), address.port()))
    }

    /// Whether the list of allowed ranges holds the address. It says nothing about whether the address may be
    /// dialled.
    #[must_use]
    pub fn lists(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.allowed.iter().any(|range| range.contains(&ip))
    }

    /// Whether there is such a list at all.
    #[must_use]
    pub fn lists_any(&self) -> bool {
        !self.allowed.is_empty()
    }

    fn check_one(&self, ip: IpAddr, port: u16) -> Result<(), Forbidden> {
        if covering(METADATA, ip).is_some() {
            return Err(Forbidden::Metadata);
        }
        if let Some(range) = covering(NOT_A_HOST, ip) {
            return Err(Forbidden::NotAHost { range });
        }
        if self.own.iter().any(|own| is_own(*own, ip, port)) {
            return Err(Forbidden::Own);
        }
        match covering(NOT_PUBLIC, ip) {
            Some(range) if !self.lists(ip) => Err(Forbidden::NotPublic { range }),
            _ => Ok(()),
        }
    }
}

fn is_own(own: SocketAddr, ip: IpAddr, port: u16) -> bool {
    own.port() == port && (own.ip() == ip || (own.ip().is_unspecified() && ip.is_loopback()))
}

fn check_range(range: &IpNet) -> Result<(), AllowListError> {
    let shortest = match range {
        IpNet::V4(_) => SHORTEST_V4_PREFIX,
        IpNet::V6(_) => SHORTEST_V6_PREFIX,
    };
    if range.prefix_len() < shortest {
        return Err(AllowListError::TooWide { range: *range });
    }
    // Addresses are compared in their IPv4 form, so that such a range would never hold one.
    match range {
        IpNet::V6(v6) if v6.network().to_ipv4_mapped().is_some() => {
            Err(AllowListError::Mapped { range: *range })
        }
        _ => Ok(()),
    }
}

/// Why an address is not dialled. None of it is told to a caller: it would map our network for him.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Forbidden {
    /// Where clouds hand out credentials of the machine. No allow-list opens it.
    #[error("the address is one of a cloud's metadata services or link-local")]
    Metadata,
    /// No single host has such an address. No allow-list opens it.
    #[error("the address is in {range}, which is no host's")]
    NotAHost {
        /// The range that holds it.
        range: IpNet,
    },
    /// The gateway listens there: the call would come back to it.
    #[error("the address is the gateway's own")]
    Own,
    /// Not of the public internet, and not in the provider's allow-list.
    #[error("the address is in {range}, which the provider's list of allowed ranges does not hold")]
    NotPublic {
        /// The range that holds it.
        range: IpNet,
    },
}

impl Forbidden {
    /// A stable word for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Metadata => "address_metadata",
            Self::NotAHost { .. } => "address_no_host",
            Self::Own => "address_own",
            Self::NotPublic { .. } => "address_not_public",
        }
    }
}

/// Why a list of allowed ranges is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AllowListError {
    /// It would open more than any private network has.
    #[error(
        "{range} is too wide: list the provider's own range, at most a /{SHORTEST_V4_PREFIX} or IPv6 /{SHORTEST_V6_PREFIX}"
    )]
    TooWide {
        /// The range in question.
        range: IpNet,
    },
    /// IPv4 ranges are written as such.
    #[error("{range} is an IPv4 range in IPv6 form: write it as IPv4")]
    Mapped {
        /// The range in question.
        range: IpNet,
    },
}

impl AllowListError {
    /// A stable word for callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooWide { .. } => "range_too_wide",
            Self::Mapped { .. } => "range_mapped",
        }
    }
}
