//! What rights a request needs.

use std::fmt;

use http::Method;

use crate::name::RepositoryName;
use crate::route::Route;

/// What can be done with a repository.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Reading blobs, manifests, tags and referrers.
    Pull,
    /// Writing blobs, manifests and tags.
    Push,
    /// Deleting them.
    Delete,
}

impl Action {
    /// As in the scope of a token.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }
}

/// What rights a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need<'a> {
    /// The right to list all repositories.
    Catalog,
    /// The right to do something with a repository.
    Repository(&'a RepositoryName, Action),
}

/// As the scope of a token that would do. Who pushes also reads what is there.
impl fmt::Display for Need<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalog => f.write_str("registry:catalog:*"),
            Self::Repository(name, Action::Push) => write!(f, "repository:{name}:pull,push"),
            Self::Repository(name, action) => write!(f, "repository:{name}:{}", action.as_str()),
        }
    }
}

impl Route {
    /// What a request for this route needs.
    pub(crate) fn needs(&self, method: &Method) -> Option<Need<'_>> {
        let (name, action) = match self {
            Self::Base => return None,
            Self::Catalog => return Some(Need::Catalog),
            Self::Uploads(name) | Self::Upload(name, _) => (name, Action::Push),
            Self::Blob(name, _)
            | Self::Manifest(name, _)
            | Self::NoManifest(name, _)
            | Self::Tags(name)
            | Self::Referrers(name, _) => match *method {
                Method::GET | Method::HEAD => (name, Action::Pull),
                Method::DELETE => (name, Action::Delete),
                _ => (name, Action::Push),
            },
        };
        Some(Need::Repository(name, action))
    }
}
