//! How registries are reached: time limits, plain HTTP, TLS.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use wharf_name::{Registry, Scheme};

use crate::origin::Origin;

/// Time limits of single phases. There is none on a request as a whole: a slow transfer that moves is healthy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// Connecting, resolving the name included. Default: 30 s.
    pub connect: Duration,
    /// The TLS handshake. Default: 10 s.
    pub tls: Duration,
    /// From the last byte sent to the header of the response. Default: 5 min, since some registries work long on the
    /// last request of a large upload. `None`: no limit.
    pub response_header: Option<Duration>,
    /// Between two pieces of a response's body. Default: 60 s. `None`: no limit.
    pub idle: Option<Duration>,
    /// How long an unused connection is kept. Default: 90 s.
    pub pool_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            tls: Duration::from_secs(10),
            response_header: Some(Duration::from_secs(300)),
            idle: Some(Duration::from_secs(60)),
            pool_idle: Duration::from_secs(90),
        }
    }
}

impl Timeouts {
    /// Sets the limit for connecting.
    #[must_use]
    pub fn with_connect(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// Sets the limit for the TLS handshake.
    #[must_use]
    pub fn with_tls(mut self, limit: Duration) -> Self {
        self.tls = limit;
        self
    }

    /// Sets the limit for the wait between the request's last byte and the response's header.
    #[must_use]
    pub fn with_response_header(mut self, limit: Option<Duration>) -> Self {
        self.response_header = limit;
        self
    }

    /// Sets the limit for the wait between two pieces of a response's body.
    #[must_use]
    pub fn with_idle(mut self, limit: Option<Duration>) -> Self {
        self.idle = limit;
        self
    }
}

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
}

/// How the certificate of a registry is checked, and which one is shown to it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TlsSettings {
    /// PEM files with certificates of authorities that are trusted besides those of the system.
    pub extra_roots: Vec<Bytes>,
    /// Whether the system's authorities are trusted. Default: yes.
    pub system_roots: SystemRoots,
    /// How the server's certificate is checked. Default: fully.
    pub verification: Verification,
    /// The certificate to show, if the registry asks for one. Default: none.
    pub client_identity: Option<ClientIdentity>,
}

impl TlsSettings {
    /// Adds a PEM file with certificates of trusted authorities.
    #[must_use]
    pub fn with_extra_root(mut self, pem: impl Into<Bytes>) -> Self {
        self.extra_roots.push(pem.into());
        self
    }

    /// Sets whether the system's authorities are trusted.
    #[must_use]
    pub fn with_system_roots(mut self, system_roots: SystemRoots) -> Self {
        self.system_roots = system_roots;
        self
    }

    /// Accepts any certificate for any name. The connection is then encrypted, but with whom is not known.
    #[must_use]
    pub fn with_insecure_skip_verify(mut self) -> Self {
        self.verification = Verification::InsecureSkip;
        self
    }

    /// Sets the certificate to show.
    #[must_use]
    pub fn with_client_identity(mut self, identity: ClientIdentity) -> Self {
        self.client_identity = Some(identity);
        self
    }
}

/// Whether the system's certificate authorities are trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SystemRoots {
    /// They are.
    #[default]
    Trusted,
    /// Only the authorities in the settings are.
    Ignored,
}

/// How a server's certificate is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verification {
    /// Against the trusted authorities and the host's name.
    #[default]
    Full,
    /// Not at all.
    InsecureSkip,
}

/// A client certificate with its key. It is shown to its registry only, never to where that redirects.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientIdentity {
    /// The certificate chain, PEM, own certificate first.
    pub chain: Bytes,
    /// The private key, PEM.
    pub key: Bytes,
}

impl ClientIdentity {
    /// An identity of two PEM files.
    #[must_use]
    pub fn new(chain: impl Into<Bytes>, key: impl Into<Bytes>) -> Self {
        Self {
            chain: chain.into(),
            key: key.into(),
        }
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity")
            .field("key", &"****")
            .finish_non_exhaustive()
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
