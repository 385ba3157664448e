//! The one place where this crate reads the environment.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// The variables that say how hosts are reached.
///
/// Unset and empty are the same. Of two spellings the upper-case one comes first, as in Go's programs.
///
/// | Variable | Meaning |
/// |---|---|
/// | `HTTPS_PROXY`, `https_proxy` | the [proxy](crate::proxy::Proxy) for `https` |
/// | `HTTP_PROXY`, `http_proxy` | the proxy for `http`; the upper-case one is ignored where `REQUEST_METHOD` is set, since a CGI server sets it from a header of its client |
/// | `ALL_PROXY`, `all_proxy` | the proxy for both, where they have none of their own |
/// | `NO_PROXY`, `no_proxy` | the [exceptions](crate::proxy::NoProxy) |
/// | `SSL_CERT_FILE` | a PEM file of trusted authorities, in place of the system's |
/// | `SSL_CERT_DIR` | directories of such files, separated as in `PATH`, in place of the system's |
/// | `XDG_CONFIG_HOME`, `HOME` (Windows: `USERPROFILE`) | where a user's `containers/certs.d` and `docker/certs.d` are |
#[derive(Clone, Default)]
pub struct Environment {
    pub(crate) proxies: [Variable; 3],
    pub(crate) no_proxy: Option<String>,
    pub(crate) ssl_cert_file: Option<PathBuf>,
    pub(crate) ssl_cert_dirs: Vec<PathBuf>,
    pub(crate) config_home: Option<PathBuf>,
}

/// A variable that names a proxy: its name and its value, which may hold a password.
pub(crate) type Variable = Option<(&'static str, OsString)>;

/// Places in [`Environment::proxies`].
pub(crate) const HTTP: usize = 0;
pub(crate) const HTTPS: usize = 1;
pub(crate) const ALL: usize = 2;

impl Environment {
    /// Reads the environment of this process, once.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the file that reads the environment"
    )]
    #[must_use]
    pub fn from_process() -> Self {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// Asks `lookup` for each variable.
    ///
    /// ```
    /// use wharf_transport::Environment;
    /// use wharf_transport::settings::ClientOptions;
    ///
    /// let lookup = |name: &str| (name == "HTTPS_PROXY").then(|| "proxy.example:3128".into());
    /// let options = ClientOptions::from_environment(&Environment::from_lookup(lookup))?;
    /// # drop(options);
    /// # Ok::<(), wharf_transport::Error>(())
    /// ```
    #[must_use]
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let first = |names: &[&'static str]| {
            names
                .iter()
                .find_map(|name| lookup(name).map(|value| (*name, value)))
        };
        let http: &[&'static str] = if lookup("REQUEST_METHOD").is_some() {
            &["http_proxy"]
        } else {
            &["HTTP_PROXY", "http_proxy"]
        };
        let home = || lookup(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(PathBuf::from);
        let config_home = lookup("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| home().map(|home| home.join(".config")));
        Self {
            proxies: [
                first(http),
                first(&["HTTPS_PROXY", "https_proxy"]),
                first(&["ALL_PROXY", "all_proxy"]),
            ],
            // Exceptions are host names and addresses: what is not UTF-8 is none of them.
            no_proxy: first(&["NO_PROXY", "no_proxy"]).map(|(_, value)| value.to_string_lossy().into_owned()),
            ssl_cert_file: lookup("SSL_CERT_FILE").map(PathBuf::from),
            ssl_cert_dirs: lookup("SSL_CERT_DIR")
                .map(|dirs| std::env::split_paths(&dirs).collect())
                .unwrap_or_default(),
            config_home,
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxies: Vec<_> = self.proxies.iter().flatten().map(|(name, _)| name).collect();
        f.debug_struct("Environment")
            .field("proxies", &proxies)
            .field("no_proxy", &self.no_proxy)
            .field("ssl_cert_file", &self.ssl_cert_file)
            .field("ssl_cert_dirs", &self.ssl_cert_dirs)
            .field("config_home", &self.config_home)
            .finish()
    }
}
