//! `hosts.toml` of containerd and everything that reads its `certs.d` directories
//! ([hosts.md](https://github.com/containerd/containerd/blob/main/docs/hosts.md)).
//!
//! ```
//! use wharf_transport::mirror::hosts_toml::HostsToml;
//!
//! let hosts = HostsToml::parse(
//!     r#"
//!     server = "https://registry-1.docker.io"
//!
//!     [host."https://mirror.example"]
//!     capabilities = ["pull", "resolve"]
//!
//!     [host."http://cache.internal:5000/v2/hub"]
//!     capabilities = ["pull"]
//!     override_path = true
//!     "#,
//!     "certs.d/docker.io/hosts.toml",
//! )?;
//! let rule = hosts.rule("docker.io".parse()?)?;
//! let mirrors: Vec<_> = rule.mirrors().iter().filter_map(|mirror| mirror.registry()).collect();
//! assert_eq!(mirrors[0].as_str(), "mirror.example");
//! assert_eq!(mirrors[1].as_str(), "cache.internal:5000");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is read
//!
//! | key, below `host."URL"` or at the top for the `server` | becomes |
//! |---|---|
//! | `server` | an upstream [for everything](super::UpstreamFor::Everything) |
//! | `host."URL"` | [`Endpoint`]s, in the order in which they are written |
//! | `capabilities` | [`Capabilities`](super::Capabilities). Mirrors get no writes even with `push` |
//! | `ca` | trusted authorities, besides the system's |
//! | `client` | the client certificate; of several the first |
//! | `skip_verify` | no check of the certificate |
//! | `header` | headers, for this server only |
//! | `override_path` | [`RootPath::InPlaceOfV2`](super::RootPath::InPlaceOfV2) |
//!
//! Relative paths are below the directory of the file. Other keys are passed over, `dial_timeout` among them: time limits
//! are for a transport as a whole. The registry is named to mirrors in the query (`ns=docker.io`), as containerd does it.
//!
//! A file that cannot be used is an error, where containerd goes on without it. As there, a server by `http` with
//! settings for TLS is asked by `https` first, unless its port is 80. Settings for TLS at the top of the `_default`
//! directory have no effect without a `server`, since they are for no host in particular.

mod load;
mod parse;

use std::path::PathBuf;

use super::Endpoint;

pub use self::load::load_dir;

/// The content of one `hosts.toml`, with the names of certificate files, which are not read yet.
#[derive(Clone, Debug)]
pub struct HostsToml {
    file: PathBuf,
    hosts: Vec<Host>,
    server: Host,
}

#[derive(Clone, Debug)]
struct Host {
    /// Everything but what is in files.
    endpoint: Endpoint,
    ca: Vec<PathBuf>,
    /// Certificate and key, which may be in one file.
    client: Option<(PathBuf, PathBuf)>,
}

#[cfg(test)]
mod tests;
