use std::ffi::OsStr;
use std::io;
use std::path::Path;

use crate::settings::ClientIdentity;

use super::super::config::{ConfigError, ConfigProblem, read_dir, read_file, read_text};
use super::super::{Endpoint, Mirrors, Prefix, Rule, UpstreamFor};
use super::{Host, HostsToml};

impl HostsToml {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be read or used.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        Self::parse(&read_text(path)?, path)
    }

    /// The rule for names with a prefix, usually those of the registry after which the file's directory is named. It
    /// reads the certificates, so it blocks.
    ///
    /// # Errors
    /// [`ConfigError`] when one of them cannot be read.
    pub fn rule(&self, prefix: Prefix) -> Result<Rule, ConfigError> {
        let mut rule = Rule::new(prefix);
        for host in &self.hosts {
            rule = rule.with_mirror(host.endpoint(&self.file)?);
        }
        Ok(rule.with_upstream(self.server.endpoint(&self.file)?, UpstreamFor::Everything))
    }
}

impl Host {
    fn endpoint(&self, file: &Path) -> Result<Endpoint, ConfigError> {
        let endpoint = self.endpoint.clone();
        if self.ca.is_empty() && self.client.is_none() {
            return Ok(endpoint);
        }
        tracing::debug!(file = %file.display(), "reading certificates");
        let mut tls = endpoint.tls().cloned().unwrap_or_default();
        for path in &self.ca {
            tls = tls.with_extra_root(read_file(path)?);
        }
        if let Some((certificate, key)) = &self.client {
            let identity = ClientIdentity::new(read_file(certificate)?, read_file(key)?);
            tls = tls.with_client_identity(identity);
        }
        Ok(endpoint.with_tls(tls))
    }
}

/// Reads all of a directory such as `/etc/containerd/certs.d`: in it, a directory for each registry, named `host`,
/// `host_port_` or `host:port`, or `_default` for all others, with a file `hosts.toml` in it.
///
/// A directory without the file means that its registry has no mirrors, not even those of `_default`. Directories that
/// are not named after a registry are passed over. No directory at all means no rules. It reads files, so it blocks.
///
/// # Errors
/// [`ConfigError`] for the first file that cannot be read or used.
pub fn load_dir(root: impl AsRef<Path>) -> Result<Mirrors, ConfigError> {
    let mut mirrors = Mirrors::new();
    let mut named: Vec<Prefix> = Vec::new();
    let mut dirs = read_dir(root.as_ref())?.unwrap_or_default();
    // Where there are both spellings, containerd takes the one without a colon.
    dirs.sort_by_key(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().contains(':'))
    });
    for dir in dirs {
        let Some(prefix) = dir.file_name().and_then(OsStr::to_str).and_then(prefix_of) else {
            continue;
        };
        if !dir.is_dir() || named.contains(&prefix) {
            continue;
        }
        named.push(prefix.clone());
        let rule = match HostsToml::load(dir.join("hosts.toml")) {
            Ok(hosts) => hosts.rule(prefix)?,
            Err(error) if is_missing(&error) => Rule::new(prefix),
            Err(error) => return Err(error),
        };
        mirrors = mirrors.with_rule(rule);
    }
    Ok(mirrors)
}

/// For which names a directory is.
pub(super) fn prefix_of(dir: &str) -> Option<Prefix> {
    if dir == "_default" {
        return Some(Prefix::any());
    }
    let name = match dir.strip_suffix('_').and_then(|rest| rest.rsplit_once('_')) {
        Some((host, port)) => format!("{host}:{port}"),
        None => dir.to_owned(),
    };
    super::super::location::registry(&name).ok().map(Prefix::of)
}

fn is_missing(error: &ConfigError) -> bool {
    matches!(&*error.problem, ConfigProblem::Read(error) if error.kind() == io::ErrorKind::NotFound)
}
