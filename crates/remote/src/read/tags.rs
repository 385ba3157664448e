//! Listing the tags of a repository.

use serde::Deserialize;
use wharf_name::Repository;

use crate::error::Operation;
use crate::read::Pages;
use crate::read::walk::List;
use crate::{Client, wire};

impl Client {
    /// The tags of a repository, page by page (Go: `remote.List`, `Puller.Lister`).
    ///
    /// They come as the registry has them, in its order, which is not always alphabetical; nothing is left out, be it
    /// no tag by the grammar of the specification.
    ///
    /// Costs 1 request a page.
    ///
    /// # Errors
    /// The stream fails with [`Error::Request`](crate::Error::Request) when the registry refuses or cannot be reached,
    /// with [`Error::Answer`](crate::Error::Answer) when a page is not a list, or names a next page that is not at the
    /// registry or was read before.
    pub fn tags(&self, repository: &Repository) -> Pages {
        self.list_tags(repository, None)
    }

    /// The tags of a repository that come after `last`, which need not be one of them.
    ///
    /// What is before it is left to the registry, where the registry knows of that; others send the whole list, of which
    /// what comes up to `last` is dropped if that is in it.
    ///
    /// Costs and fails as [`tags`](Self::tags).
    pub fn tags_after(&self, repository: &Repository, last: &str) -> Pages {
        self.list_tags(repository, Some(last.to_owned()))
    }

    fn list_tags(&self, repository: &Repository, after: Option<String>) -> Pages {
        let list = List {
            context: wire::pull(repository),
            operation: Operation::Tags,
            target: repository.into(),
            path: format!("{}/tags/list", repository.path()),
            after,
            parse: |body| serde_json::from_slice(body).map(|page: Page| page.tags.unwrap_or_default()),
        };
        Pages::of(self.clone(), list)
    }
}

#[derive(Deserialize)]
struct Page {
    /// Registries whose repository has no tags send `null`.
    tags: Option<Vec<String>>,
}
