//! Proxies: which one a host is reached through, and which hosts are reached directly.
//!
//! The rules for all hosts are [`Proxies`], by default those of the [environment](crate::Environment). A registry can
//! have a [choice](crate::settings::ProxyChoice) of its own. Token servers and the targets of redirects follow the same
//! rules by their own host. What a proxy connects to is resolved and reached by the proxy, so the address cannot be
//! judged here; its URL is.
//!
//! ```
//! use wharf_transport::proxy::{NoProxy, Proxies, Proxy};
//! use wharf_transport::{Environment, Transport};
//!
//! let proxy: Proxy = "http://user:secret@proxy.example:3128".parse()?;
//! assert_eq!(proxy.to_string(), "http://proxy.example:3128");
//! let proxies = Proxies::direct().with_https(proxy).with_no_proxy(NoProxy::parse("corp.example,10.0.0.0/8"));
//! let transport = Transport::builder().environment(Environment::default()).proxies(proxies).build()?;
//! # drop(transport);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod bypass;
mod failure;

use crate::Error;
use crate::env::{ALL, Environment, HTTP, HTTPS, Variable};
use crate::origin::{Origin, Reach};

pub use self::address::{ParseProxyError, Proxy, ProxyKind};
pub use self::bypass::NoProxy;
pub use self::failure::ProxyFailure;

/// Which proxy a host is reached through.
///
/// This machine (`localhost`, `127.0.0.0/8`, `::1`) is always reached directly.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    no_proxy: NoProxy,
}

impl Proxies {
    /// No proxy for any host.
    #[must_use]
    pub fn direct() -> Self {
        Self::default()
    }

    /// The proxies that the environment names.
    ///
    /// # Errors
    /// [`Error::Settings`] when a variable holds no proxy; its value is not in the error.
    pub fn from_environment(environment: &Environment) -> Result<Self, Error> {
        let all = read(&environment.proxies[ALL])?;
        Ok(Self {
            http: read(&environment.proxies[HTTP])?.or_else(|| all.clone()),
            https: read(&environment.proxies[HTTPS])?.or(all),
            no_proxy: NoProxy::parse(environment.no_proxy.as_deref().unwrap_or_default()),
        })
    }

    /// Sets the proxy for `http`.
    #[must_use]
    pub fn with_http(mut self, proxy: Proxy) -> Self {
        self.http = Some(proxy);
        self
    }

    /// Sets the proxy for `https`.
    #[must_use]
    pub fn with_https(mut self, proxy: Proxy) -> Self {
        self.https = Some(proxy);
        self
    }

    /// Sets which hosts are reached directly.
    #[must_use]
    pub fn with_no_proxy(mut self, no_proxy: NoProxy) -> Self {
        self.no_proxy = no_proxy;
        self
    }

    /// The proxy for requests to an origin; `None` if they go there directly.
    #[must_use]
    pub fn of(&self, origin: &Origin) -> Option<&Proxy> {
        let proxy = if origin.is_secure() {
            &self.https
        } else {
            &self.http
        };
        let direct = origin.reach() == Reach::Loopback || self.no_proxy.covers(origin);
        proxy.as_ref().filter(|_| !direct)
    }
}

fn read(variable: &Variable) -> Result<Option<Proxy>, Error> {
    let Some((name, value)) = variable else {
        return Ok(None);
    };
    let value = value.to_str().ok_or(ParseProxyError::Malformed);
    match value.and_then(str::parse) {
        Ok(proxy) => Ok(Some(proxy)),
        Err(error) => Err(Error::Settings {
            what: name,
            source: error.into(),
        }),
    }
}

#[cfg(test)]
mod tests;
