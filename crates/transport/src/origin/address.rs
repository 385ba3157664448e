//! What a host name or address says about where it leads.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// The canonical text of the host part of a URL; `None` if it is none.
///
/// Addresses come out in their usual spelling whatever way they were written (`127.1`, `0x7f000001`, `2130706433`),
/// because that is what connecting to them would resolve to.
pub(crate) fn canonical_host(host: &str) -> Option<String> {
    // The names of compose services have underscores and are allowed, other odd characters are not.
    match Host::parse(host).ok()? {
        Host::Domain(name) => {
            // The root's dot may be left out. A second one would hide that `localhost..` is `localhost`.
            let name = name.strip_suffix('.').unwrap_or(&name);
            let is_name = name.len() <= 255 && !name.split('.').any(str::is_empty);
            is_name.then(|| name.to_owned())
        }
        address => Some(address.to_string()),
    }
}

/// How far inside a network a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Any name that is not special, and public addresses.
    Public,
    /// Addresses of private networks.
    Private,
    /// This machine.
    Loopback,
    /// Link-local and other addresses where nothing but infrastructure answers, such as the metadata services of clouds.
    Infrastructure,
}

impl Reach {
    /// The reach of a [canonical](canonical_host) host.
    pub(crate) fn of(host: &str) -> Self {
        if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            return inner.parse().map_or(Self::Infrastructure, Self::of_v6);
        }
        if let Ok(address) = host.parse() {
            return Self::of_address(address);
        }
        match host {
            "localhost" | "ip6-localhost" | "ip6-loopback" => Self::Loopback,
            "metadata" | "metadata.google.internal" | "metadata.goog" | "instance-data.ec2.internal" => {
                Self::Infrastructure
            }
            _ if host.ends_with(".localhost") => Self::Loopback,
            _ => Self::Public,
        }
    }

    /// The reach of an address.
    pub(crate) fn of_address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    /// The one of two that is further inside.
    pub(crate) fn inner(self, other: Self) -> Self {
        let depth = |reach| match reach {
            Self::Public => 0,
            // Nobody is led anywhere but outwards from there.
            Self::Infrastructure => 1,
            Self::Private => 2,
            Self::Loopback => 3,
        };
        if depth(other) > depth(self) { other } else { self }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        if address.is_loopback() || address.is_unspecified() {
            return Self::Loopback;
        }
        match (a, b, c) {
            // "This network", shared address space, IETF protocols, benchmarks: nothing there is public.
            (0, _, _) | (192, 0, 0) | (198, 18 | 19, _) => Self::Infrastructure,
            (100, 64..=127, _) => Self::Private,
            _ if address.is_private() => Self::Private,
            _ if address.is_link_local() || a >= 224 => Self::Infrastructure,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if address.is_loopback() || address.is_unspecified() {
            return Self::Loopback;
        }
        let s = address.segments();
        // Addresses that carry an IPv4 address lead to that one: mapped, compatible, NAT64, 6to4.
        let embedded = match s {
            [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                Some((high, low))
            }
            [0x2002, high, low, ..] => Some((high, low)),
            _ => None,
        };
        if let Some((high, low)) = embedded {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            return Self::of_v4(Ipv4Addr::new(a, b, c, d));
        }
        match s {
            // The metadata service of EC2 has an address out of the private range.
            [0xfd00, 0xec2, ..] => Self::Infrastructure,
            _ if address.is_unique_local() => Self::Private,
            _ if address.is_unicast_link_local() || address.is_multicast() || s[0] & 0xffc0 == 0xfec0 => {
                Self::Infrastructure
            }
            _ => Self::Public,
        }
    }
}
