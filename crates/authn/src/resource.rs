//! What credentials are asked for.

use wharf_name::{DigestReference, Reference, Registry, Repository, Tag};

/// A registry, or a repository in it, that somebody wants to talk to.
///
/// ```
/// use wharf_authn::Resource;
/// use wharf_name::Repository;
///
/// let repository: Repository = "ghcr.io/org/app".parse()?;
/// let resource = Resource::from(&repository);
/// assert_eq!(resource.registry().as_str(), "ghcr.io");
/// assert_eq!(resource.path(), Some("org/app"));
/// # Ok::<(), wharf_name::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    registry: Registry,
    repository: Option<Repository>,
}

impl Resource {
    /// A registry as a whole, as for listing its repositories.
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            repository: None,
        }
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The repository, unless this is the registry as a whole.
    pub fn repository(&self) -> Option<&Repository> {
        self.repository.as_ref()
    }

    /// The path of the repository in its registry.
    pub fn path(&self) -> Option<&str> {
        self.repository().map(Repository::path)
    }
}

impl From<&Registry> for Resource {
    fn from(registry: &Registry) -> Self {
        Self::new(registry.clone())
    }
}

impl From<&Repository> for Resource {
    fn from(repository: &Repository) -> Self {
        Self {
            registry: repository.registry().clone(),
            repository: Some(repository.clone()),
        }
    }
}

impl From<&Tag> for Resource {
    fn from(tag: &Tag) -> Self {
        tag.repository().into()
    }
}

impl From<&DigestReference> for Resource {
    fn from(digest: &DigestReference) -> Self {
        digest.repository().into()
    }
}

impl From<&Reference> for Resource {
    fn from(reference: &Reference) -> Self {
        reference.repository().into()
    }
}
