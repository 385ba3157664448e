//! Origins of URLs, and the one judge of URLs that a server chose.

mod address;
mod resolve;

use std::fmt;

use http::Uri;
use http::uri::Scheme;

pub use self::resolve::{
    Site, UnsafeUrl, UnsafeUrlReason, resolve_download, resolve_location, resolve_realm,
};

pub(crate) use self::address::{Reach, canonical_host};
pub(crate) use self::resolve::{may_lead, resolve};

/// Where a URL points to: scheme, host and port.
///
/// Secrets are bound to an origin, and two URLs are of one origin only if all three are equal: another port of the
/// same host is another origin, and so is the same host without TLS. The host is canonical (lower case, IDNA, IP
/// addresses in their usual spelling) and the port is always there.
///
/// ```
/// use wharf_transport::origin::Origin;
///
/// let origin = Origin::of(&"https://Registry.Example.com/v2/".parse()?)?;
/// assert_eq!(origin, Origin::of(&"https://registry.example.com:443/token".parse()?)?);
/// assert_eq!(origin.to_string(), "https://registry.example.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an absolute `http` or `https` URL.
    ///
    /// # Errors
    /// [`UnsafeUrl`] when the URL has another scheme, no host, or a host that is none.
    pub fn of(url: &Uri) -> Result<Self, UnsafeUrl> {
        let refuse = |reason| UnsafeUrl::new(url, Site::Request, reason);
        let secure = match url.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(refuse(UnsafeUrlReason::Scheme)),
        };
        let host = url
            .host()
            .and_then(canonical_host)
            .ok_or_else(|| refuse(UnsafeUrlReason::Host))?;
        let default = if secure { 443 } else { 80 };
        let port = port(url, default).ok_or_else(|| refuse(UnsafeUrlReason::Host))?;
        Ok(Self { secure, host, port })
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host: a name in lower case or an address, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also where it is the scheme's default.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether both hosts are names of one site: the same, or one the other's parent domain or sibling. Nobody has a
    /// sibling under a domain of one label.
    pub(crate) fn is_same_site(&self, other: &Self) -> bool {
        let (a, b) = (self.host.as_str(), other.host.as_str());
        if a == b {
            return true;
        }
        if Reach::of(a) != Reach::Public || Reach::of(b) != Reach::Public || is_address(a) || is_address(b) {
            return false;
        }
        let is_below = |host: &str, domain: &str| {
            domain.contains('.') && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
        };
        let parent = a.split_once('.').map_or("", |(_, parent)| parent);
        is_below(b, a) || b == parent && parent.contains('.') || is_below(b, parent)
    }

    /// How far inside a network the host is.
    pub(crate) fn reach(&self) -> Reach {
        Reach::of(&self.host)
    }

    /// `host:port`, without the port where it is the scheme's default.
    pub(crate) fn authority(&self) -> String {
        let default = if self.secure { 443 } else { 80 };
        if self.port == default {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
}

/// The port of a URL; `None` if it is no port. The URL type itself reads a number that is too large as no port at all.
fn port(url: &Uri, default: u16) -> Option<u16> {
    let (authority, host) = (url.authority()?.as_str(), url.host()?);
    let after_user = authority.rsplit_once('@').map_or(authority, |(_, rest)| rest);
    match after_user.strip_prefix(host)? {
        // The colon may be there without a port (RFC 3986, section 3.2.3).
        "" | ":" => Some(default),
        rest => {
            let digits = rest.strip_prefix(':')?;
            let is_number = digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|port| is_number && *port != 0)
        }
    }
}

#[cfg(test)]
mod tests;
