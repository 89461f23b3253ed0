//! The ranges that are not the public internet's, from IANA's special-purpose registries and the documents of clouds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const fn v4(octets: [u8; 4], prefix: u8) -> IpNet {
    let [a, b, c, d] = octets;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(words: [u16; 8], prefix: u8) -> IpNet {
    let [a, b, c, d, e, f, g, h] = words;
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix))
}

/// Where clouds hand out the machine's own credentials. Link-local is here as a whole: besides 169.254.169.254 it
/// holds the task and pod credentials of AWS (169.254.170.2, .23), Scaleway's 169.254.42.42 and Tencent's
/// 169.254.0.23, and no provider.
pub(super) const METADATA: &[IpNet] = &[
    v4([169, 254, 0, 0], 16),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    // AWS: fd00:ec2::254 is the metadata service, ::23 gives pod credentials.
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32),
    // Google Cloud.
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),
    // Scaleway.
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128),
    // Alibaba Cloud, inside the range of carriers.
    v4([100, 100, 100, 200], 32),
    // Azure's platform address, which is public by its looks.
    v4([168, 63, 129, 16], 32),
    // Oracle Cloud, old form.
    v4([192, 0, 0, 192], 32),
];

/// Addresses that no single host has, or that cannot be judged.
pub(super) const NOT_A_HOST: &[IpNet] = &[
    // "This network"; the system takes 0.0.0.0 for itself.
    v4([0, 0, 0, 0], 8),
    v4([224, 0, 0, 0], 4),
    v4([255, 255, 255, 255], 32),
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
    // NAT64 with a prefix of the local network (RFC 8215): where the IPv4 address lies in it depends on a prefix
    // length that only that network knows (RFC 6052 section 2.2), so that what would be reached cannot be looked at.
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
];

/// What is not global unicast. An allow-list may open parts of it. The more telling range stands first.
pub(super) const NOT_PUBLIC: &[IpNet] = &[
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([240, 0, 0, 0], 4),
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128),
    // NAT64 (RFC 6052).
    v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    // Teredo, and with it all that IETF protocols got: no API is served from there.
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    // 6to4.
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    // Documentation (RFC 9637).
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    // Site-local, given up.
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
    // All that is outside 2000::/3, of which alone IANA gives global unicast addresses.
    v6([0, 0, 0, 0, 0, 0, 0, 0], 3),
    v6([0x4000, 0, 0, 0, 0, 0, 0, 0], 2),
    v6([0x8000, 0, 0, 0, 0, 0, 0, 0], 1),
];

/// The first of these ranges that holds the address.
pub(super) fn covering(ranges: &[IpNet], ip: IpAddr) -> Option<IpNet> {
    ranges.iter().find(|range| range.contains(&ip)).copied()
}
