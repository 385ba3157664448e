//! The keys of `auths` and `credHelpers`, and what they are for.

use std::cmp::Reverse;

use wharf_name::Registry;

use crate::Resource;

/// The key under which `docker login` keeps Docker Hub, and the name by which helpers know it.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// What a key is for: a registry, or the repositories below a path in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    registry: Registry,
    path: Option<Box<str>>,
    precedence: Precedence,
}

/// Which of several keys for the same thing counts: the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Precedence {
    /// Docker Hub's own.
    Classic,
    /// `host` or `host/path`.
    Plain,
    /// `https://host/v1/` and the like.
    Legacy,
}

impl Key {
    /// Reads a key; `None` if it can be for no registry.
    ///
    /// Keys written as URLs, and those that end in the `/v1/` or `/v2/` of an API, stem from times when
    /// there were no paths: they are for the whole registry.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (rest, is_url) = match text.split_once("://") {
            Some((scheme, rest)) if is_http(scheme) => (rest, true),
            Some(_) => return None,
            None => (text, false),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() {
            return None;
        }
        let registry = canonical(&host.parse().ok()?);
        let is_api = matches!(path, "v1/" | "v2/") || registry.is_docker_hub() && matches!(path, "v1" | "v2");
        let path = if is_url || is_api {
            ""
        } else {
            path.trim_end_matches('/')
        };
        let precedence = match is_url || is_api {
            _ if text == DOCKER_HUB_KEY => Precedence::Classic,
            true => Precedence::Legacy,
            false => Precedence::Plain,
        };
        Some(Self {
            registry,
            path: (!path.is_empty()).then(|| path.into()),
            precedence,
        })
    }

    /// Whether this is the key of a whole registry.
    pub(super) fn is_registry(&self) -> bool {
        self.path.is_none()
    }

    /// Whether `resource` is what the key is for, or below it. Paths are compared by whole segments.
    pub(super) fn matches(&self, resource: &Resource) -> bool {
        self.registry == canonical(resource.registry())
            && self.path.as_deref().is_none_or(|path| {
                let below = resource.path().and_then(|asked| asked.strip_prefix(path));
                below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }

    /// Orders keys that match the same resource: longest path first.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        (Reverse(self.path.as_deref().map_or(0, str::len)), self.precedence)
    }
}

/// What a helper is asked for.
pub(crate) fn server(registry: &Registry) -> &str {
    if registry.is_docker_hub() {
        DOCKER_HUB_KEY
    } else {
        registry.as_str()
    }
}

/// Whether an entry with this key is for `registry` as a whole, in one of the spellings that `login` of some
/// tool has used. Others that docker keeps below the host (`https://index.docker.io/v1/access-token`) are not.
pub(crate) fn stands_for(text: &str, registry: &Registry) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    Key::parse(text).is_some_and(|key| key.is_registry() && key.registry == canonical(registry))
        && matches!(path, "" | "v1" | "v1/" | "v2" | "v2/")
}

fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

/// The names of Docker Hub are one.
fn canonical(registry: &Registry) -> Registry {
    if registry.is_docker_hub() {
        Registry::docker_hub()
    } else {
        registry.clone()
    }
}
