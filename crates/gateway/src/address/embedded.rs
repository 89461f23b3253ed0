//! IPv4 addresses that ride inside IPv6 ones.

use std::net::{IpAddr, Ipv4Addr};

/// Every IPv4 address that this one may be turned into on the way. An IPv4 address holds none.
///
/// IPv4-mapped addresses are not among them: [`IpAddr::to_canonical`] has made IPv4 of them. A NAT64 prefix that a
/// network took from its own public range cannot be told from other addresses.
pub(super) fn embedded(ip: IpAddr) -> impl Iterator<Item = Ipv4Addr> {
    let IpAddr::V6(ip) = ip else {
        return [None; 2].into_iter().flatten();
    };
    let bits = ip.to_bits();
    // The 32 bits that start at this one.
    let at = |first: u32| Ipv4Addr::from_bits((bits >> (96 - first)) as u32);
    let found = match ip.segments() {
        // Unspecified and loopback are addresses of IPv6 itself.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [None; 2],
        // IPv4-compatible (RFC 4291 section 2.5.5.1), IPv4-translated (RFC 2765), NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            [Some(at(96)), None]
        }
        // 6to4 (RFC 3056 section 2).
        [0x2002, ..] => [Some(at(16)), None],
        // Teredo: server, and client with all bits inverted (RFC 4380 section 4).
        [0x2001, 0, ..] => [Some(at(32)), Some(Ipv4Addr::from_bits(!at(96).to_bits()))],
        // ISATAP, below any prefix (RFC 5214 section 6.1).
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => [Some(at(96)), None],
        _ => [None; 2],
    };
    found.into_iter().flatten()
}
