//! `registries.conf` of podman, skopeo, buildah and CRI-O, version 2
//! ([containers-registries.conf(5)](https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md)).
//!
//! ```
//! use wharf_transport::mirror::registries_conf::RegistriesConf;
//!
//! let conf = RegistriesConf::parse(
//!     r#"
//!     unqualified-search-registries = ["docker.io"]
//!
//!     [[registry]]
//!     prefix = "example.com/foo"
//!     location = "internal.example.net/bar"
//!
//!     [[registry.mirror]]
//!     location = "mirror.example.net/foo"
//!     pull-from-mirror = "digest-only"
//!     "#,
//!     "registries.conf",
//! )?;
//! let mirrors = conf.mirrors();
//! assert_eq!(mirrors.rules()[0].prefix().to_string(), "example.com/foo");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is read
//!
//! | key | becomes |
//! |---|---|
//! | `unqualified-search-registries` | [`RegistriesConf::search_registries`]; what they mean is up to the program |
//! | `[aliases]` | [`RegistriesConf::aliases`], likewise |
//! | `registry.prefix`, `registry.location` | a [`Rule`], with an upstream [for reads](super::UpstreamFor::Reads) where the two differ |
//! | `registry.insecure`, `mirror.insecure` | the certificate is not checked, and plain HTTP allowed if there is no TLS |
//! | `registry.blocked` | [`Access::Blocked`](super::Access::Blocked) |
//! | `registry.mirror` | [`Endpoint`](super::Endpoint)s in order |
//! | `registry.mirror-by-digest-only`, `mirror.pull-from-mirror` | their [`Capabilities`](super::Capabilities) |
//!
//! Other keys are passed over. Credential helpers are for [keychains](wharf_authn), and short-name modes for programs
//! that talk to people.
//!
//! # How it differs
//!
//! - Each request is judged by itself, where the original chooses one mirror for an image. Blobs are so read from mirrors
//!   that are `digest-only` also for an image that was asked for by tag, and from those that are `tag-only` also for one
//!   by digest: by their digests they are the same. Manifests by digest, which the parts of an image with a tag are, are
//!   asked for at `tag-only` mirrors if the registry itself does not answer.
//! - A prefix that is only a host is not for that host with a port. The original says that its doing so is not meant.
//! - `insecure` has no effect for a wildcard without a `location`, which names no host.
//!
//! Refused, because to pass over it would allow what is meant to be blocked or read from elsewhere than is meant: a tag
//! or digest in a prefix, and version 1 of the format.

mod load;
mod parse;

use std::collections::BTreeMap;

use wharf_name::Registry;

use super::{Mirrors, Rule};

/// The content of a `registries.conf` with its drop-in files.
#[derive(Clone, Debug, Default)]
pub struct RegistriesConf {
    search: Option<Vec<Registry>>,
    aliases: BTreeMap<String, String>,
    entries: Vec<Entry>,
}

/// One `[[registry]]`.
#[derive(Clone, Debug)]
struct Entry {
    rule: Rule,
    /// Where the prefix is, with what has to be the same for all that are there.
    location: Option<(String, Flags)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flags {
    insecure: bool,
    blocked: bool,
}

impl RegistriesConf {
    /// The registries in which names without a registry are looked for, in order.
    #[must_use]
    pub fn search_registries(&self) -> &[Registry] {
        self.search.as_deref().unwrap_or_default()
    }

    /// What short names stand for: a repository with its registry, without a tag.
    #[must_use]
    pub fn aliases(&self) -> &BTreeMap<String, String> {
        &self.aliases
    }

    /// The rules.
    #[must_use]
    pub fn mirrors(&self) -> Mirrors {
        let rules = self.entries.iter().map(|entry| entry.rule.clone());
        rules.fold(Mirrors::new(), Mirrors::with_rule)
    }

    /// Adds what a drop-in file has: registries replace those with the same prefix, a list of search registries replaces
    /// the one before, aliases are added, and an empty one takes its name away.
    #[must_use]
    pub fn with_drop_in(mut self, other: Self) -> Self {
        for entry in other.entries {
            self.replace(entry);
        }
        self.search = other.search.or(self.search);
        self.aliases.extend(other.aliases);
        self
    }

    fn replace(&mut self, entry: Entry) {
        self.entries
            .retain(|known| known.rule.prefix() != entry.rule.prefix());
        self.entries.push(entry);
    }
}

#[cfg(test)]
mod tests;
