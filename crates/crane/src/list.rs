//! What there is: tags and repositories.

use wharf::name::{Registry, Repository};
use wharf::remote::{Client, Pages};

/// The tags of a repository, page by page as the registry sends them (Go: `crane.ListTags`). Costs 1
/// request a page.
#[must_use]
pub fn tags(client: &Client, repository: &Repository) -> Pages {
    client.tags(repository)
}

/// The repositories of a registry, page by page as it sends them (Go: `crane.Catalog`). Costs 1
/// request a page.
#[must_use]
pub fn catalog(client: &Client, registry: &Registry) -> Pages {
    client.catalog(registry)
}
