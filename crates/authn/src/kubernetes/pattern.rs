//! The keys of pull secrets, and what they are for.

use std::cmp::Reverse;

use wharf_name::Registry;

use super::glob;
use crate::Resource;
use crate::keychain::is_same;

/// What a key is for: a registry or many that look alike, or the repositories below a path in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    host: Host,
    path: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Exact(Registry),
    /// Pattern and port, both in the spelling of registries.
    Glob(Box<str>, Option<Box<str>>),
}

impl Pattern {
    /// Reads a key; `None` if it can be for no registry.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = match text.split_once("://") {
            Some((scheme, rest)) => {
                let is_http = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
                is_http.then_some(rest)?
            }
            None => text,
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() {
            return None;
        }
        let host = Host::parse(host)?;
        let path = ["v1/", "v2/"]
            .iter()
            .find_map(|api| path.strip_prefix(api))
            .unwrap_or(path);
        let path = match path.trim_end_matches('/') {
            // As docker's file has it too.
            "v1" | "v2" if host.is_docker_hub() => "",
            path => path,
        };
        Some(Self {
            host,
            path: path.into(),
        })
    }

    /// Whether `resource` is what the key is for, or below it. Paths are compared by whole segments.
    pub(super) fn matches(&self, resource: &Resource) -> bool {
        let below = resource.path().unwrap_or_default().strip_prefix(&*self.path);
        self.host.matches(resource.registry())
            && below.is_some_and(|rest| self.path.is_empty() || rest.is_empty() || rest.starts_with('/'))
    }

    /// Orders patterns that match the same resource: exact hosts first, then the longest path. Among globs,
    /// the kubelet's order, in which letters and digits come before `*`.
    pub(super) fn rank(&self) -> (bool, Reverse<&str>, Reverse<&str>) {
        let (is_glob, host) = match &self.host {
            Host::Exact(_) => (false, ""),
            Host::Glob(host, _) => (true, &**host),
        };
        (is_glob, Reverse(host), Reverse(&self.path))
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(registry) = text.parse() {
            return Some(Self::Exact(registry));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let is_port = |port: &str| !port.is_empty() && port.bytes().all(|c| c.is_ascii_digit());
        let is_glob = host.contains(['*', '?', '[']) && !host.contains([':', '@', '%']);
        (is_glob && port.is_none_or(is_port))
            .then(|| Self::Glob(host.to_ascii_lowercase().into(), port.map(Into::into)))
    }

    fn is_docker_hub(&self) -> bool {
        matches!(self, Self::Exact(registry) if registry.is_docker_hub())
    }

    fn matches(&self, registry: &Registry) -> bool {
        match self {
            Self::Exact(host) => is_same(host, registry),
            Self::Glob(pattern, port) => {
                let (patterns, labels) = (pattern.split('.'), registry.host().split('.'));
                registry.port().map(|port| port.to_string()).as_deref() == port.as_deref()
                    && patterns.clone().count() == labels.clone().count()
                    && patterns
                        .zip(labels)
                        .all(|(pattern, label)| glob::matches(pattern, label))
            }
        }
    }
}
