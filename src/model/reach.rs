//! The networks in which an address may lie.
//!
//! A server may name addresses of its own network or of a wider one. A public server that names an
//! address on a private network, or on this machine, would have tokctl knock on doors that it can't
//! reach itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// A network, from the widest to the nearest. An address that is restricted to one may also lie in a
/// wider one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reach {
    /// The internet.
    Public,
    /// A network that is not part of the internet, such as a company's or a link.
    Private,
    /// This machine.
    #[default]
    Loopback,
}

impl Reach {
    /// Returns the network of `address`. One that belongs to no network, such as a multicast address,
    /// counts as private.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [first, second, third, _] = address.octets();
        if address.is_loopback() || address.is_unspecified() {
            return Self::Loopback;
        }
        // The registry of special-purpose addresses (RFC 6890): those that are not globally
        // reachable.
        let is_special = matches!(
            (first, second, third),
            (0 | 10 | 127 | 224..=255, ..)
                | (100, 64..=127, _)
                | (169, 254, _)
                | (172, 16..=31, _)
                | (192, 168, _)
                | (192, 0, 0 | 2)
                | (198, 18 | 19, _)
                | (198, 51, 100)
                | (203, 0, 113)
        );
        if is_special { Self::Private } else { Self::Public }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if address.is_loopback() || address.is_unspecified() {
            return Self::Loopback;
        }
        let parts = address.segments();
        let v4 = |high: u16, low: u16| {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Self::of_v4(Ipv4Addr::new(a, b, c, d))
        };
        match parts {
            // An IPv4 address in other clothes: mapped and compatible (RFC 4291 §2.5.5), translated
            // (RFC 6052 §2.1, RFC 2765) and 6to4 (RFC 3056).
            [0, 0, 0, 0, 0, 0xffff | 0, high, low]
            | [0, 0, 0, 0, 0xffff, 0, high, low]
            | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
            | [0x2002, high, low, ..] => v4(high, low),
            // Documentation (RFC 3849, RFC 9637), Teredo and the rest of the protocol assignments.
            [0x2001, 0xdb8 | 0..=0x1ff, ..] | [0x3fff, 0..=0xfff, ..] => Self::Private,
            // The only block of global unicast addresses (RFC 4291 §2.4).
            [0x2000..=0x3fff, ..] => Self::Public,
            _ => Self::Private,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_no_public_network_is_known_in_every_form() {
        let of = |text: &str| Reach::of(text.parse().unwrap());
        for public in
            ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2002:101:101::1"]
        {
            assert_eq!(of(public), Reach::Public, "{public}");
        }
        for private in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::a00:1",
            "2002:a00:1::1",
            "100::1",
        ] {
            assert_eq!(of(private), Reach::Private, "{private}");
        }
        for own in ["127.0.0.1", "127.8.9.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"] {
            assert_eq!(of(own), Reach::Loopback, "{own}");
        }
        assert_eq!(of("2002:7f00:1::"), Reach::Loopback);
        assert!(Reach::Public < Reach::Private && Reach::Private < Reach::Loopback);
    }
}
