//! The grammar of `host` and `host:port`.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::ParseErrorKind;
use crate::part::{Fault, Part};

/// A host and port in canonical form.
pub(crate) struct Authority {
    /// `host` or `host:port`.
    pub(crate) text: String,
    /// Length of the host in `text`, with the brackets of an IPv6 literal.
    pub(crate) host_len: usize,
    pub(crate) port: Option<u16>,
}

/// Parses `host[:port]`.
///
/// The host is a name, an IPv4 literal or a bracketed IPv6 literal ([RFC 3986 §3.2.2]). Names are the
/// letters, digits, `-` and `_` of DNS labels: no percent escapes, no sub-delimiters, no user info, no
/// trailing dot. `_` stays allowed, as in Go: container networks hand out such names and resolvers serve
/// them. There is no IDNA: a host beyond ASCII is written in its `xn--` form.
///
/// [RFC 3986 §3.2.2]: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2
pub(crate) fn parse(part: Part<'_>) -> Result<Authority, Fault> {
    let (host, port) = split(part)?;
    let mut text = if host.text.starts_with('[') {
        ipv6(part, host)?
    } else {
        name(part, host)?;
        host.text.to_ascii_lowercase()
    };
    let host_len = text.len();
    let port = port.map(|digits| parse_port(part, digits)).transpose()?;
    if let Some(port) = port {
        text.push(':');
        text.push_str(&port.to_string());
    }
    Ok(Authority { text, host_len, port })
}

/// Whether plain HTTP never leaves this machine: 127/8, `::1`, `localhost` and `*.localhost` ([RFC 6761 §6.3]).
///
/// [RFC 6761 §6.3]: https://www.rfc-editor.org/rfc/rfc6761#section-6.3
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || host.ends_with(".localhost")
        || host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether the host is an IPv4 literal of the private ranges of RFC 1918.
pub(crate) fn is_private_ipv4(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_private())
}

fn split(part: Part<'_>) -> Result<(Part<'_>, Option<Part<'_>>), Fault> {
    let text = part.text;
    if let Some(at) = text.rfind('@') {
        return Err(invalid(
            part,
            part.slice(0..at + 1),
            "credentials do not belong in a name",
        ));
    }
    if text.starts_with('[') {
        let Some(close) = text.find(']') else {
            return Err(invalid(part, part, "close the bracket of the IPv6 address"));
        };
        let (host, rest) = (part.slice(0..close + 1), part.slice(close + 1..text.len()));
        return match rest.split_once(':') {
            None if rest.text.is_empty() => Ok((host, None)),
            Some((before, port)) if before.text.is_empty() => Ok((host, Some(port))),
            _ => Err(invalid(part, rest, "only a port can follow the bracket")),
        };
    }
    match part.split_once(':') {
        None => Ok((part, None)),
        Some((_, rest)) if rest.text.contains(':') => Err(invalid(part, part, bracket_hint(text))),
        Some((host, port)) => Ok((host, Some(port))),
    }
}

fn bracket_hint(text: &str) -> Cow<'static, str> {
    if text.parse::<Ipv6Addr>().is_ok() {
        format!("write IPv6 addresses in brackets: `[{text}]`").into()
    } else {
        "write IPv6 addresses in brackets, as in `[::1]:5000`".into()
    }
}

fn ipv6(part: Part<'_>, host: Part<'_>) -> Result<String, Fault> {
    let inside = host.slice(1..host.text.len() - 1);
    match inside.text.parse::<Ipv6Addr>() {
        Ok(address) => Ok(format!("[{address}]")),
        Err(_) if inside.text.contains('%') => {
            Err(invalid(part, inside, "an address with a zone is not supported"))
        }
        Err(_) => Err(invalid(part, inside, "this is not an IPv6 address")),
    }
}

fn name(part: Part<'_>, host: Part<'_>) -> Result<(), Fault> {
    if host.text.is_empty() {
        return Err(invalid(part, host, "the host is missing"));
    }
    let allowed = |c: char| matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.');
    if let Some(found) = host.first_not(allowed) {
        return Err(invalid(
            part,
            found,
            "a host has only letters, digits, `-`, `_` and `.`",
        ));
    }
    // DNS, RFC 1035 §2.3.4.
    if host.text.len() > 253 {
        return Err(invalid(part, host, "a host is at most 253 characters long"));
    }
    let mut at = 0;
    for label in host.text.split('.') {
        let found = host.slice(at..at + label.len());
        at += label.len() + 1;
        if label.is_empty() {
            return Err(invalid(part, found, "a host has no empty labels"));
        }
        if label.len() > 63 {
            return Err(invalid(
                part,
                found,
                "a label of a host is at most 63 characters long",
            ));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(invalid(
                part,
                found,
                "a label of a host does not begin or end with `-`",
            ));
        }
    }
    Ok(())
}

fn parse_port(part: Part<'_>, digits: Part<'_>) -> Result<u16, Fault> {
    if digits.text.is_empty() {
        return Err(invalid(part, digits, "the port after the colon is missing"));
    }
    // `u16` alone would take a leading `+`.
    let number = digits
        .text
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| digits.text.parse().ok());
    match number.flatten() {
        Some(port) if port != 0 => Ok(port),
        _ => Err(invalid(part, digits, "a port is a number from 1 to 65535")),
    }
}

fn invalid(part: Part<'_>, culprit: Part<'_>, hint: impl Into<Cow<'static, str>>) -> Fault {
    part.fault_at(ParseErrorKind::Registry, culprit).with_hint(hint)
}
