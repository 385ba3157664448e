use std::net::IpAddr;

use ipnet::IpNet;

use crate::origin::{Origin, canonical_host};

/// The hosts that are reached without a proxy, as `NO_PROXY` lists them.
///
/// Entries are separated by commas or white space, and may end in `:port`, which then has to be equal:
///
/// | entry | covers |
/// |---|---|
/// | `*` | everything |
/// | `example.com` | that host and all below it |
/// | `.example.com`, `*.example.com` | all below it |
/// | `10.0.0.1`, `::1`, `[::1]` | that address |
/// | `10.0.0.0/8`, `fd00::/8` | the addresses in it; names are not resolved for this |
///
/// An entry that is none of these covers nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy {
    entries: Vec<(Covered, Option<u16>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Covered {
    All,
    Host(String),
    Below(String),
    Address(IpAddr),
    Network(IpNet),
}

impl NoProxy {
    /// Reads such a list.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        let entries = list
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|entry| !entry.is_empty());
        Self {
            entries: entries.filter_map(parse_entry).collect(),
        }
    }

    /// Whether an origin is reached without a proxy.
    #[must_use]
    pub fn covers(&self, origin: &Origin) -> bool {
        let host = origin.host();
        let address = parse_address(host);
        self.entries.iter().any(|(covered, port)| {
            let covers = match covered {
                Covered::All => true,
                Covered::Host(name) => host == name || is_below(host, name),
                Covered::Below(name) => is_below(host, name),
                Covered::Address(covered) => address == Some(*covered),
                Covered::Network(network) => address.is_some_and(|address| network.contains(&address)),
            };
            covers && port.is_none_or(|port| port == origin.port())
        })
    }
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
}

/// An address, without brackets; one of IPv4 in the clothes of IPv6 is one of IPv4.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse().ok().map(|address: IpAddr| address.to_canonical())
}

fn parse_entry(entry: &str) -> Option<(Covered, Option<u16>)> {
    if let Ok(network) = entry.parse() {
        return Some((Covered::Network(network), None));
    }
    if let Some(address) = parse_address(entry) {
        return Some((Covered::Address(address), None));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port != 0)?)),
        None => (entry, None),
    };
    if host == "*" {
        return Some((Covered::All, port));
    }
    if let Some(address) = parse_address(host) {
        return Some((Covered::Address(address), port));
    }
    let below = host.strip_prefix('*').unwrap_or(host).strip_prefix('.');
    let name = canonical_host(below.unwrap_or(host)).filter(|name| !name.is_empty())?;
    let covered = match parse_address(&name) {
        Some(address) => Covered::Address(address),
        None if below.is_some() => Covered::Below(name),
        None => Covered::Host(name),
    };
    Some((covered, port))
}
