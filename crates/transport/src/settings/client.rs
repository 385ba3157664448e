use std::path::PathBuf;
use std::sync::Arc;

use crate::Error;
#[cfg(feature = "tls")]
use crate::certs::CertsDirs;
use crate::client::{Resolve, SystemResolver};
use crate::env::Environment;
use crate::proxy::Proxies;

use super::Timeouts;

/// What an [`HttpClient`](crate::HttpClient) does alike for all hosts.
///
/// The default knows nothing of the environment: see [`from_environment`](Self::from_environment).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// Time limits of single phases.
    pub timeouts: Timeouts,
    /// Which hosts are reached through a proxy. Default: none.
    pub proxies: Proxies,
    /// Where folders with certificates of single hosts are. Default: nowhere.
    #[cfg(feature = "tls")]
    pub certs_dirs: CertsDirs,
    /// PEM files of the authorities that are trusted in place of the system's. With none of these and no
    /// [directory](Self::root_dirs) they are the system's, which are looked for as OpenSSL does.
    pub root_files: Vec<PathBuf>,
    /// Directories of such files.
    pub root_dirs: Vec<PathBuf>,
    /// Who resolves names. Default: the system.
    pub resolver: Arc<dyn Resolve>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            timeouts: Timeouts::default(),
            proxies: Proxies::direct(),
            #[cfg(feature = "tls")]
            certs_dirs: CertsDirs::none(),
            root_files: Vec::new(),
            root_dirs: Vec::new(),
            resolver: Arc::new(SystemResolver::new()),
        }
    }
}

impl ClientOptions {
    /// The proxies and trusted authorities that the environment names, and the defaults for all else.
    ///
    /// # Errors
    /// [`Error::Settings`] when a variable holds no proxy.
    pub fn from_environment(environment: &Environment) -> Result<Self, Error> {
        Ok(Self::default()
            .with_proxies(Proxies::from_environment(environment)?)
            .with_roots_of(environment))
    }

    /// Sets the time limits.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets which hosts are reached through a proxy.
    #[must_use]
    pub fn with_proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Sets where folders with certificates of single hosts are.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_certs_dirs(mut self, dirs: CertsDirs) -> Self {
        self.certs_dirs = dirs;
        self
    }

    /// Trusts the authorities of `SSL_CERT_FILE` and `SSL_CERT_DIR` in place of the system's, where these are set.
    #[must_use]
    pub fn with_roots_of(mut self, environment: &Environment) -> Self {
        self.root_files = environment.ssl_cert_file.iter().cloned().collect();
        self.root_dirs.clone_from(&environment.ssl_cert_dirs);
        self
    }

    /// Sets who resolves names.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn Resolve>) -> Self {
        self.resolver = resolver;
        self
    }
}
