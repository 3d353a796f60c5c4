//! From where something can be reached, and from where it was looked at.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// From where an endpoint can be reached, as far as addresses tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Only from this host.
    Host,
    /// From a private network.
    Lan,
    /// From a cloud's private network.
    Vpc,
    /// From anywhere.
    Internet,
    /// Not known.
    Unknown,
}

/// From where a verdict was obtained. Servers answer these differently (Redis protected mode, the localhost
/// exception of MongoDB), so every verdict carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Vantage {
    /// From 127.0.0.0/8 or ::1, or from the file system of this machine.
    Loopback,
    /// From the machine's own interface address.
    Interface,
    /// From another host.
    Remote,
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Lan => "lan",
            Self::Vpc => "vpc",
            Self::Internet => "internet",
            Self::Unknown => "unknown",
        })
    }
}

impl fmt::Display for Vantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "loopback",
            Self::Interface => "interface",
            Self::Remote => "remote",
        })
    }
}

/// The class of an address, by the special-purpose registries of IANA (RFC 6890).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressClass {
    /// This machine.
    Loopback,
    /// Not routed on the internet.
    Private,
    /// Routed on the internet.
    Public,
    /// No host can have it: unspecified, multicast, broadcast, reserved.
    Unusable,
}

/// Classifies an address. IPv4-mapped and NAT64 forms count as the IPv4 address they stand for.
pub fn classify(address: IpAddr) -> AddressClass {
    match canonical(address) {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (127, ..) => AddressClass::Loopback,
        (0, ..) | (224.., ..) => AddressClass::Unusable,
        (10, ..) | (192, 168, _) | (169, 254, _) => AddressClass::Private,
        (172, 16..=31, _) | (100, 64..=127, _) => AddressClass::Private,
        // Documentation and benchmarking networks (RFC 5737, RFC 2544): nobody routes them.
        (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) | (198, 18..=19, _) => AddressClass::Private,
        _ => AddressClass::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    let [first, second, ..] = address.segments();
    if address.is_loopback() {
        AddressClass::Loopback
    } else if address.is_unspecified() || address.is_multicast() {
        AddressClass::Unusable
    } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 || (first, second) == (0x2001, 0x0db8) {
        AddressClass::Private
    } else {
        AddressClass::Public
    }
}

/// The IPv4 address behind an IPv4-mapped (`::ffff:a.b.c.d`) or NAT64 (`64:ff9b::/96`, RFC 6052) address.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => address.to_canonical(),
    }
}

/// Whether this is an address at which a cloud hands credentials to its machines. These are never dialled.
pub fn is_metadata_address(address: IpAddr) -> bool {
    match canonical(address) {
        // AWS, Azure, GCP and most others; the container credentials of AWS; Tencent; Alibaba; Oracle; Azure's
        // wire server.
        IpAddr::V4(v4) => matches!(
            v4.octets(),
            [169, 254, 169, 254]
                | [169, 254, 170, 2]
                | [169, 254, 0, 23]
                | [100, 100, 100, 200]
                | [192, 0, 0, 192]
                | [168, 63, 129, 16]
        ),
        // AWS instances and pods, GCP. No IPv6 twin of Alibaba's 100.100.100.200 is published.
        IpAddr::V6(v6) => matches!(
            v6.segments(),
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254 | 0x23] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> AddressClass {
        classify(text.parse().unwrap())
    }

    #[test]
    fn private_shared_and_documentation_networks_are_private() {
        for text in
            ["10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "198.51.100.7", "fd12::1", "fe80::1"]
        {
            assert_eq!(class(text), AddressClass::Private, "{text}");
        }
    }

    #[test]
    fn neighbours_of_private_networks_are_public() {
        for text in ["172.32.0.1", "11.0.0.1", "100.128.0.1", "192.0.1.1", "198.20.0.1", "2a00::1"] {
            assert_eq!(class(text), AddressClass::Public, "{text}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_address_it_stands_for() {
        assert_eq!(class("::ffff:127.0.0.1"), AddressClass::Loopback);
        assert_eq!(class("::ffff:8.8.8.8"), AddressClass::Public);
        assert_eq!(class("64:ff9b::10.0.0.1"), AddressClass::Private);
    }

    #[test]
    fn metadata_addresses_are_known_in_every_form() {
        for text in [
            "169.254.169.254",
            "100.100.100.200",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "fd20:ce::254",
        ] {
            assert!(is_metadata_address(text.parse().unwrap()), "{text}");
        }
        assert!(!is_metadata_address("169.254.169.253".parse().unwrap()));
    }
}
