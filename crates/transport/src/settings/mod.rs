//! How registries are reached: time limits, proxies, plain HTTP, TLS.

mod client;
mod timeouts;
mod tls;

use std::collections::BTreeMap;

use wharf_name::{Registry, Scheme};

use crate::origin::Origin;
use crate::proxy::Proxy;

pub use self::client::ClientOptions;
pub use self::timeouts::Timeouts;
pub use self::tls::{ClientIdentity, SystemRoots, TlsSettings, Verification};

/// Whether a registry may be spoken to without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlainHttp {
    /// As the registry's name says ([`Registry::scheme`]): allowed for loopback and private addresses.
    #[default]
    ByName,
    /// Never.
    Never,
    /// If it does not speak TLS.
    Allowed,
    /// Always: TLS is not even tried.
    Only,
}

/// Through which proxy a registry is reached.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ProxyChoice {
    /// As the [rules for all hosts](crate::proxy::Proxies) say.
    #[default]
    ByRules,
    /// Through none.
    Direct,
    /// Through this one, also where the rules make an exception.
    Through(Proxy),
}

/// Which versions of HTTP are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/2 where the server chooses it in the TLS handshake, else HTTP/1.1. A host whose streams break again and
    /// again is spoken to by HTTP/1.1 from then on.
    #[default]
    Any,
    /// HTTP/1.1 only.
    Http1,
}

/// Settings for one registry, or for all that have none of their own.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RegistrySettings {
    /// Whether it may be spoken to without TLS. Default: as its name says.
    pub plain_http: PlainHttp,
    /// How its certificate is checked and which one is shown to it.
    pub tls: TlsSettings,
    /// Token servers that may be inside a private network or get identity tokens although they belong to another
    /// site than the registry. Default: none.
    pub trusted_realms: Vec<Origin>,
    /// Servers that the registry may lead to by redirects, upload locations and links to pages although they are further inside a
    /// network than the registry itself, such as its storage. Default: none.
    pub trusted_targets: Vec<Origin>,
    /// Through which proxy it is reached. Default: by the rules for all hosts.
    pub proxy: ProxyChoice,
    /// Which versions of HTTP are spoken to it. Default: HTTP/1.1 and HTTP/2.
    pub http_versions: HttpVersions,
}

impl RegistrySettings {
    /// Sets whether the registry may be spoken to without TLS.
    #[must_use]
    pub fn with_plain_http(mut self, plain_http: PlainHttp) -> Self {
        self.plain_http = plain_http;
        self
    }

    /// Sets the TLS settings.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsSettings) -> Self {
        self.tls = tls;
        self
    }

    /// Adds a trusted token server.
    #[must_use]
    pub fn with_trusted_realm(mut self, realm: Origin) -> Self {
        self.trusted_realms.push(realm);
        self
    }

    /// Adds a server that the registry may lead to.
    #[must_use]
    pub fn with_trusted_target(mut self, target: Origin) -> Self {
        self.trusted_targets.push(target);
        self
    }

    /// Sets through which proxy the registry is reached.
    #[must_use]
    pub fn with_proxy(mut self, proxy: ProxyChoice) -> Self {
        self.proxy = proxy;
        self
    }

    /// Sets which versions of HTTP are spoken.
    #[must_use]
    pub fn with_http_versions(mut self, versions: HttpVersions) -> Self {
        self.http_versions = versions;
        self
    }
}

/// The settings of all registries: what [`TransportBuilder`](crate::TransportBuilder) collects.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllSettings {
    /// For registries without settings of their own.
    pub(crate) default: RegistrySettings,
    /// By the registry's name.
    pub(crate) own: BTreeMap<String, RegistrySettings>,
}

impl AllSettings {
    pub(crate) fn new(
        default: RegistrySettings,
        own: impl IntoIterator<Item = (Registry, RegistrySettings)>,
    ) -> Self {
        let own = own
            .into_iter()
            .map(|(registry, settings)| (registry.as_str().to_owned(), settings));
        Self {
            default,
            own: own.collect(),
        }
    }

    pub(crate) fn of(&self, registry: &Registry) -> &RegistrySettings {
        self.own.get(registry.as_str()).unwrap_or(&self.default)
    }

    pub(crate) fn own_mut(&mut self, registry: &Registry) -> &mut RegistrySettings {
        let default = &self.default;
        self.own
            .entry(registry.as_str().to_owned())
            .or_insert_with(|| default.clone())
    }

    pub(crate) fn plain_http(&self, registry: &Registry) -> PlainHttp {
        match self.of(registry).plain_http {
            PlainHttp::ByName if registry.scheme() == Scheme::Http => PlainHttp::Allowed,
            PlainHttp::ByName => PlainHttp::Never,
            set => set,
        }
    }
}
