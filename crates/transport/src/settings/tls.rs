use std::fmt;

use bytes::Bytes;

/// How the certificate of a registry is checked, and which one is shown to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, PartialEq, Eq)]
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
