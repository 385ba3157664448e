//! Registries.

use std::sync::{Arc, LazyLock};

use crate::options::parse;
use crate::part::{Fault, Part};
use crate::{ParseError, ParseErrorKind, Repository, host};

/// The name under which references to Docker Hub are kept.
const DOCKER_HUB: &str = "index.docker.io";

/// The name under which Docker Hub is known to people, rewritten to [`DOCKER_HUB`].
const DOCKER_HUB_ALIAS: &str = "docker.io";

/// The host that serves Docker Hub's content; also answers to [`DOCKER_HUB`].
const DOCKER_HUB_BACKEND: &str = "registry-1.docker.io";

/// A registry: `host` or `host:port`.
///
/// The canonical form has a lower-case host, IPv6 literals in their shortest form and no leading zeros in
/// the port; `docker.io` is `index.docker.io`. A port is kept even where it is the default one, because
/// the name does not fix the scheme. The empty text is the default registry.
///
/// ```
/// use wharf_name::Registry;
///
/// let registry: Registry = "GHCR.io".parse()?;
/// assert_eq!(registry.as_str(), "ghcr.io");
/// assert_eq!(registry.repository("org/app")?.to_string(), "ghcr.io/org/app");
///
/// let local: Registry = "[::1]:5000".parse()?;
/// assert_eq!((local.host(), local.port()), ("[::1]", Some(5000)));
/// # Ok::<(), wharf_name::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    /// Canonical `host[:port]`.
    full: Arc<str>,
    host_len: usize,
    port: Option<u16>,
    typed: Option<Arc<str>>,
}

/// How a registry may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the distribution spec knows no third scheme"
)]
pub enum Scheme {
    /// Plain HTTP is *allowed*. HTTPS is still preferred where the registry offers it.
    Http,
    /// HTTPS only.
    Https,
}

impl Scheme {
    /// The scheme as URLs have it: `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl Registry {
    /// Docker Hub, `index.docker.io`.
    pub fn docker_hub() -> Self {
        static HUB: LazyLock<Registry> = LazyLock::new(|| Registry {
            full: DOCKER_HUB.into(),
            host_len: DOCKER_HUB.len(),
            port: None,
            typed: None,
        });
        HUB.clone()
    }

    /// Parses a registry that is there; the caller has dealt with the empty one.
    pub(crate) fn from_part(part: Part<'_>) -> Result<Self, Fault> {
        let authority = host::parse(part)?;
        let mut registry = if authority.text == DOCKER_HUB_ALIAS {
            Self::docker_hub()
        } else {
            Self {
                full: authority.text.into(),
                host_len: authority.host_len,
                port: authority.port,
                typed: None,
            }
        };
        if part.text != &*registry.full {
            registry.typed = Some(part.text.into());
        }
        Ok(registry)
    }

    /// Whether a text before the first `/` of a name is a registry rather than a path component.
    pub(crate) fn is_explicit(text: &str) -> bool {
        text == "localhost" || text.contains(['.', ':'])
    }

    /// The default registry, named by nothing.
    pub(crate) fn with_typed(mut self, text: &str) -> Self {
        self.typed = (text != &*self.full).then(|| text.into());
        self
    }

    /// The canonical `host` or `host:port`.
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The text this value was parsed from, which may be empty; the canonical form if it was not parsed.
    pub fn as_typed(&self) -> &str {
        self.typed.as_deref().unwrap_or(&self.full)
    }

    /// The host without the port; an IPv6 literal keeps its brackets.
    pub fn host(&self) -> &str {
        &self.full[..self.host_len]
    }

    /// The port, if the name has one; never 0.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// What the name alone allows.
    ///
    /// [`Scheme::Http`] for [loopback](Self::is_loopback) hosts and for IPv4 literals of the private ranges
    /// of RFC 1918 (10/8, 172.16/12, 192.168/16), with or without a port; [`Scheme::Https`] for all others.
    /// The private ranges are here because Go's crane reaches such registries without a flag and scripts
    /// rely on it; a program that wants only loopback asks [`is_loopback`](Self::is_loopback) instead.
    /// Addresses are never resolved, and IPv4 addresses mapped into IPv6 are HTTPS.
    pub fn scheme(&self) -> Scheme {
        if self.is_loopback() || host::is_private_ipv4(self.host()) {
            Scheme::Http
        } else {
            Scheme::Https
        }
    }

    /// Whether the registry is on this machine by name: 127/8, `[::1]`, `localhost` or `*.localhost`.
    pub fn is_loopback(&self) -> bool {
        host::is_loopback(self.host())
    }

    /// Whether this is Docker Hub: `index.docker.io` (as `docker.io` is canonically) or `registry-1.docker.io`.
    ///
    /// Credentials for the one are good for the other. Only names in `index.docker.io` have an implicit `library/`.
    pub fn is_docker_hub(&self) -> bool {
        matches!(self.as_str(), DOCKER_HUB | DOCKER_HUB_BACKEND)
    }

    /// Whether repositories without a namespace are in `library/` here.
    pub(crate) fn has_implicit_library(&self) -> bool {
        self.as_str() == DOCKER_HUB
    }

    /// The repository `path` in this registry; on Docker Hub, `library/` is added to a bare name.
    ///
    /// # Errors
    ///
    /// If the path is not valid, and with [`ParseErrorKind::RegistryAmbiguous`] if this registry has
    /// neither a dot nor a port and is not `localhost`: `registry/app` is a repository on Docker Hub, and
    /// printing it for something else would send the next reader there.
    pub fn repository(&self, path: &str) -> Result<Repository, ParseError> {
        parse(path, |part| {
            if !Self::is_explicit(&self.full) {
                // The input is the path, so there is no span to point at: the hint names the registry.
                let fault = part.slice(0..0).fault(ParseErrorKind::RegistryAmbiguous);
                return Err(fault.with_hint(format!("add the port to `{}`", self.full)));
            }
            Repository::check_alphabet(part)?;
            Repository::in_registry(self.clone(), part)
        })
    }
}
