//! Folders with the certificates of single hosts, as docker, podman and containerd users keep them.
//!
//! Below a directory such as `/etc/docker/certs.d` there is a folder for each host, named `host:port`, or `host` where
//! the port is 443 (on Windows without the colon). In it:
//!
//! | file | is |
//! |---|---|
//! | `*.crt` | authorities, PEM, trusted at this host besides the system's |
//! | `NAME.cert` and `NAME.key` | a client certificate with its key, shown to this host only |
//!
//! All else in a folder is ignored. Of several pairs the first by name is used. Of several directories that have a
//! folder for a host, only the first counts. Docker Hub's host is `index.docker.io`; a folder `docker.io` is also taken.
//!
//! ```
//! use wharf_transport::certs::CertsDirs;
//! use wharf_transport::{Environment, Transport};
//!
//! let dirs = CertsDirs::system(&Environment::from_process());
//! let transport = Transport::builder().certs_dirs(dirs).build()?;
//! # drop(transport);
//! # Ok::<(), wharf_transport::Error>(())
//! ```

mod read;

use std::path::PathBuf;

use wharf_name::Registry;

use crate::env::Environment;
use crate::settings::TlsSettings;

pub use self::read::CertsError;

use self::read::Folder;

/// Directories that may have folders with certificates of hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertsDirs {
    dirs: Vec<PathBuf>,
}

impl CertsDirs {
    /// No directories: certificates come from the settings alone.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Where docker and podman look: `containers/certs.d` and `docker/certs.d` in the user's configuration, then
    /// `/etc/containers/certs.d` and `/etc/docker/certs.d`.
    #[must_use]
    pub fn system(environment: &Environment) -> Self {
        let user = environment.config_home.iter();
        let user = user.flat_map(|home| ["containers/certs.d", "docker/certs.d"].map(|dir| home.join(dir)));
        let etc = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from);
        Self {
            dirs: user.chain(etc).collect(),
        }
    }

    /// Adds a directory, to be looked at after those before.
    #[must_use]
    pub fn with_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dirs.push(dir.into());
        self
    }

    /// Adds what the directories have for a registry to `settings`: authorities to those that are there, the client
    /// certificate only if there is none. Returns whether there is a folder for it.
    ///
    /// It reads files, so it blocks.
    ///
    /// # Errors
    /// [`CertsError`], which names the file.
    pub fn load(&self, registry: &Registry, settings: &mut TlsSettings) -> Result<bool, CertsError> {
        self.add_to(settings, registry.host(), registry.port().unwrap_or(443))
    }

    pub(crate) fn is_none(&self) -> bool {
        self.dirs.is_empty()
    }

    pub(crate) fn add_to(
        &self,
        settings: &mut TlsSettings,
        host: &str,
        port: u16,
    ) -> Result<bool, CertsError> {
        for dir in &self.dirs {
            for name in folder_names(host, port) {
                if let Some(folder) = Folder::open(&dir.join(name))? {
                    folder.add_to(settings)?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// The names that the folder of a host may have.
fn folder_names(host: &str, port: u16) -> Vec<String> {
    let mut hosts = vec![host];
    if host == "index.docker.io" {
        hosts.push("docker.io");
    }
    let mut names = Vec::new();
    for host in hosts {
        names.push(format!("{host}:{port}"));
        if port == 443 {
            names.push(host.to_owned());
        }
    }
    if cfg!(windows) {
        // No colons in file names there.
        names = names.into_iter().map(|name| name.replace(':', "")).collect();
    }
    names
}

#[cfg(test)]
mod tests;
