//! Listing the repositories of a registry.

use serde::Deserialize;
use wharf_name::Registry;

use crate::error::Operation;
use crate::read::Pages;
use crate::read::walk::List;
use crate::{Client, wire};

impl Client {
    /// The repositories of a registry, page by page (Go: `remote.Catalog`). Many registries do not offer this, or only
    /// to administrators.
    ///
    /// Costs 1 request a page.
    ///
    /// # Errors
    /// The stream fails as that of [`tags`](Self::tags) does.
    pub fn catalog(&self, registry: &Registry) -> Pages {
        self.list_repositories(registry, None)
    }

    /// The repositories of a registry that come after `last`, which need not be one of them (Go: `remote.CatalogPage`).
    /// The first page of them is the first item of the stream.
    ///
    /// Costs and fails as [`catalog`](Self::catalog); otherwise as [`tags_after`](Self::tags_after).
    pub fn catalog_after(&self, registry: &Registry, last: &str) -> Pages {
        self.list_repositories(registry, Some(last.to_owned()))
    }

    fn list_repositories(&self, registry: &Registry, after: Option<String>) -> Pages {
        let list = List {
            context: wire::catalog(registry),
            operation: Operation::Catalog,
            target: registry.into(),
            path: "_catalog".to_owned(),
            after,
            parse: |body| {
                serde_json::from_slice(body).map(|page: Page| page.repositories.unwrap_or_default())
            },
        };
        Pages::of(self.clone(), list)
    }
}

#[derive(Deserialize)]
struct Page {
    repositories: Option<Vec<String>>,
}
