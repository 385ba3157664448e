use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;
use wharf_authn::Secret;

use crate::origin::canonical_host;

/// A proxy: what it speaks, where it is, and who is to be known there.
///
/// Read from a URL as it stands in the environment: `http://`, `https://` or `socks5://` (also `socks5h://`), perhaps user
/// name and password, percent-encoded, host and port. Without a scheme it is `http`; without a port it is 80, 443 or 1080
/// by the scheme. User name and password are shown neither by `Debug` nor by `Display`.
#[derive(Clone)]
pub struct Proxy {
    kind: ProxyKind,
    host: String,
    port: u16,
    credential: Option<(String, Secret)>,
}

/// What is spoken to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyKind {
    /// HTTP: `https` goes through a tunnel that `CONNECT` opens, `http` is asked for by whole URLs.
    Http,
    /// The same over TLS.
    Https,
    /// SOCKS 5 ([RFC 1928](https://datatracker.ietf.org/doc/html/rfc1928)); names are resolved by the proxy.
    Socks5,
}

impl Proxy {
    /// What is spoken to it.
    #[must_use]
    pub fn kind(&self) -> ProxyKind {
        self.kind
    }

    /// Its host: a name in lower case or an address, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is spoken to by HTTP.
    pub(crate) fn is_http(&self) -> bool {
        matches!(self.kind, ProxyKind::Http | ProxyKind::Https)
    }

    pub(crate) fn credential(&self) -> Option<(&str, &str)> {
        let (user, password) = self.credential.as_ref()?;
        Some((user, password.expose()))
    }

    /// The `Proxy-Authorization` header, which is for the proxy and never for what is behind it.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let (user, password) = self.credential()?;
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        let mut header = HeaderValue::try_from(format!("Basic {encoded}")).expect("base64 is a header");
        header.set_sensitive(true);
        Some(header)
    }
}

impl FromStr for Proxy {
    type Err = ParseProxyError;

    fn from_str(text: &str) -> Result<Self, ParseProxyError> {
        let text = text.trim();
        let with_scheme;
        let text = if text.contains("://") {
            text
        } else {
            with_scheme = format!("http://{text}");
            &with_scheme
        };
        let url = Url::parse(text).map_err(|_| ParseProxyError::Malformed)?;
        let (kind, port) = match url.scheme() {
            "http" => (ProxyKind::Http, 80),
            "https" => (ProxyKind::Https, 443),
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            _ => return Err(ParseProxyError::Scheme),
        };
        let host = url.host_str().and_then(canonical_host);
        let host = host.ok_or(ParseProxyError::Malformed)?;
        if url.port() == Some(0) {
            return Err(ParseProxyError::Malformed);
        }
        let decode = |text| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded.map_err(|_| ParseProxyError::Credential)
        };
        let (user, password) = (
            decode(url.username())?,
            decode(url.password().unwrap_or_default())?,
        );
        let credential = (!user.is_empty() || !password.is_empty())
            .then(|| (user.into_owned(), Secret::from(password.into_owned())));
        if let Some((user, password)) = &credential {
            let fits = match kind {
                // RFC 1929 has one byte for each length.
                ProxyKind::Socks5 => user.len() <= 255 && password.expose().len() <= 255,
                // RFC 7617: a colon ends the name.
                ProxyKind::Http | ProxyKind::Https => !user.contains(':'),
            };
            if !fits {
                return Err(ParseProxyError::Credential);
            }
        }
        Ok(Self {
            kind,
            host,
            port: url.port().unwrap_or(port),
            credential,
        })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Http => "http",
            ProxyKind::Https => "https",
            ProxyKind::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Why a text is no [`Proxy`]. The text itself may hold a password and is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseProxyError {
    /// It is no URL with a host.
    #[error("the proxy is not a valid URL")]
    Malformed,
    /// What is spoken to it is not known here.
    #[error("the scheme of the proxy must be http, https or socks5")]
    Scheme,
    /// The user name or password is not UTF-8, or not possible with this kind of proxy.
    #[error("the user name or password of the proxy cannot be used")]
    Credential,
}
