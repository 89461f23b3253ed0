//! Each range's edges, the embeddings, and what an allow-list opens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use countersign_gateway::address::{AddressGuard, AllowListError, Forbidden};
use ipnet::IpNet;
use proptest::prelude::*;

/// All that must not be dialled, written down apart from the table that is tested.
const FORBIDDEN: [&str; 36] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "168.63.129.16/32",
    "::/128",
    "::1/128",
    "::/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "5f00::/16",
    "::/3",
    "4000::/2",
    "8000::/1",
];

const METADATA_ADDRESSES: [&str; 12] = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "169.254.42.42",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:42::42",
    "fe80::a9fe:a9fe",
];

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn guard(allowed: &[&str]) -> AddressGuard {
    AddressGuard::new(nets(allowed), Vec::new()).unwrap()
}

fn judged(guard: &AddressGuard, ip: IpAddr) -> Result<(), Forbidden> {
    guard.check(SocketAddr::new(ip, 443))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn before(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(v4) => v4
            .to_bits()
            .checked_sub(1)
            .map(|bits| Ipv4Addr::from(bits).into()),
        IpAddr::V6(v6) => v6
            .to_bits()
            .checked_sub(1)
            .map(|bits| Ipv6Addr::from(bits).into()),
    }
}

fn after(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(v4) => v4
            .to_bits()
            .checked_add(1)
            .map(|bits| Ipv4Addr::from(bits).into()),
        IpAddr::V6(v6) => v6
            .to_bits()
            .checked_add(1)
            .map(|bits| Ipv6Addr::from(bits).into()),
    }
}

#[test]
fn each_range_is_forbidden_from_its_first_to_its_last_address_and_no_further() {
    let forbidden = nets(&FORBIDDEN);
    let nothing_allowed = guard(&[]);
    for range in &forbidden {
        for inside in [range.network(), range.broadcast()] {
            assert!(judged(&nothing_allowed, inside).is_err(), "{inside} of {range}");
        }
        for outside in [before(range.network()), after(range.broadcast())]
            .into_iter()
            .flatten()
        {
            // The neighbour of one range may be in another.
            let expected = forbidden.iter().any(|range| range.contains(&outside))
                || IpNet::new(ip("::ffff:0:0"), 96).unwrap().contains(&outside);
            assert_eq!(
                judged(&nothing_allowed, outside).is_err(),
                expected,
                "{outside} beside {range}"
            );
        }
    }
}

#[test]
fn public_addresses_may_be_dialled() {
    for public in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "2a00:1450::1",
        "::ffff:1.1.1.1",
    ] {
        assert_eq!(judged(&guard(&[]), ip(public)), Ok(()), "{public}");
    }
}

#[test]
fn metadata_is_forbidden_whatever_is_allowed() {
    let everything = guard(&[
        "169.0.0.0/8",
        "168.0.0.0/8",
        "100.0.0.0/8",
        "192.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "64:ff9b::/96",
        "2002::/16",
    ]);
    for address in METADATA_ADDRESSES {
        assert_eq!(
            judged(&everything, ip(address)),
            Err(Forbidden::Metadata),
            "{address}"
        );
    }
    for inside in [
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
    ] {
        assert_eq!(
            judged(&everything, ip(inside)),
            Err(Forbidden::Metadata),
            "{inside}"
        );
    }
}

#[test]
fn an_allowed_range_opens_itself_alone() {
    let guard = guard(&["10.1.0.0/16", "fd12::/16", "::1/128"]);
    for allowed in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "fd12::7", "::1"] {
        assert_eq!(judged(&guard, ip(allowed)), Ok(()), "{allowed}");
    }
    for still_forbidden in [
        "10.0.255.255",
        "10.2.0.0",
        "127.0.0.1",
        "fd13::",
        "64:ff9b::10.1.2.3",
    ] {
        assert!(
            matches!(
                judged(&guard, ip(still_forbidden)),
                Err(Forbidden::NotPublic { .. })
            ),
            "{still_forbidden}"
        );
    }
}

#[test]
fn an_allowed_translator_reaches_public_addresses_only() {
    let guard = guard(&["64:ff9b::/96"]);
    assert_eq!(judged(&guard, ip("64:ff9b::1.1.1.1")), Ok(()));
    for inner in ["127.0.0.1", "10.0.0.1", "192.168.0.1"] {
        let address = ip(&format!("64:ff9b::{inner}"));
        assert!(judged(&guard, address).is_err(), "{inner}");
    }
}

#[test]
fn the_local_translator_prefix_is_never_opened() {
    let guard = guard(&["64:ff9b:1::/48"]);
    assert!(matches!(
        judged(&guard, ip("64:ff9b:1::1.1.1.1")),
        Err(Forbidden::NotAHost { .. })
    ));
}

#[test]
fn the_gateway_does_not_call_itself() {
    let own = vec!["10.0.0.5:4000".parse().unwrap(), "0.0.0.0:4001".parse().unwrap()];
    let guard = AddressGuard::new(nets(&["10.0.0.0/8", "127.0.0.0/8"]), own).unwrap();
    for (address, expected) in [
        ("10.0.0.5:4000", Err(Forbidden::Own)),
        ("[::ffff:10.0.0.5]:4000", Err(Forbidden::Own)),
        ("10.0.0.5:4002", Ok(())),
        ("10.0.0.6:4000", Ok(())),
        ("127.0.0.1:4001", Err(Forbidden::Own)),
        ("127.9.9.9:4001", Err(Forbidden::Own)),
        ("127.0.0.1:4000", Ok(())),
    ] {
        assert_eq!(guard.check(address.parse().unwrap()), expected, "{address}");
    }
}

#[test]
fn a_range_as_wide_as_the_internet_is_refused() {
    for wide in [
        "0.0.0.0/0",
        "0.0.0.0/7",
        "10.0.0.0/7",
        "::/0",
        "2000::/3",
        "fc00::/6",
    ] {
        let refused = AddressGuard::new(nets(&[wide]), Vec::new());
        assert!(matches!(refused, Err(AllowListError::TooWide { .. })), "{wide}");
    }
    let mapped = AddressGuard::new(nets(&["::ffff:10.0.0.0/104"]), Vec::new());
    assert!(matches!(mapped, Err(AllowListError::Mapped { .. })));
}

/// The address in every form that IPv6 knows for it, under prefixes that by themselves are public where the form has
/// one.
fn embeddings(inner: Ipv4Addr) -> Vec<Ipv6Addr> {
    let bits = u128::from(inner.to_bits());
    let prefixed = |prefix: &str| Ipv6Addr::from(prefix.parse::<Ipv6Addr>().unwrap().to_bits() | bits);
    let mut all: Vec<_> = [
        "::ffff:0:0",
        "::",
        "::ffff:0:0:0",
        "64:ff9b::",
        "64:ff9b:1::",
        "2606:4700::5efe:0:0",
        "2606:4700::200:5efe:0:0",
    ]
    .map(prefixed)
    .to_vec();
    all.push(Ipv6Addr::from((0x2002 << 112) | (bits << 80) | 1));
    // Teredo, as the server and as the client.
    all.push(Ipv6Addr::from((0x2001 << 112) | (bits << 64) | 0xfefe_fefe));
    all.push(Ipv6Addr::from(
        (0x2001 << 112) | (0x0101_0101 << 64) | (bits ^ 0xffff_ffff),
    ));
    all
}

fn forbidden_v4() -> impl Strategy<Value = Ipv4Addr> {
    (0..16_usize, any::<u32>()).prop_map(|(range, random)| {
        let IpNet::V4(net) = FORBIDDEN[range].parse().unwrap() else {
            unreachable!("the first sixteen are IPv4")
        };
        Ipv4Addr::from(net.network().to_bits() | (random & net.hostmask().to_bits()))
    })
}

proptest! {
    #[test]
    fn what_is_forbidden_as_ipv4_is_forbidden_in_every_embedding(inner in forbidden_v4()) {
        // As an IPv4-compatible address that one is IPv6's own loopback, which `::/96` opens by right.
        prop_assume!(inner != Ipv4Addr::new(0, 0, 0, 1));
        // Opens every outer form, so that the refusal comes from the address inside.
        let open = guard(&["::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::ffff:0:0:0/96"]);
        for outer in embeddings(inner) {
            prop_assert!(judged(&guard(&[]), outer.into()).is_err(), "{} as {}", inner, outer);
            prop_assert!(judged(&open, outer.into()).is_err(), "{} as {} with its form allowed", inner, outer);
        }
    }
}
