//! The store in front of an upstream.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use oci_spec::image::Digest;
use tokio::time::Instant;
use wharf_name::{Reference, Registry as Upstream, Repository};
use wharf_registry::store::{Error, Store};
use wharf_registry::{Access, Options, Registry, RepositoryName, TagName};
use wharf_remote::Client;

use crate::{PullThroughOptions, manifest};

/// So many tags are remembered to have been asked for, and sizes of blobs.
const MOST_KNOWN: usize = 100_000;

/// A store that reads what it does not have from an upstream registry, and keeps it in another store.
pub struct PullThrough {
    pub(crate) client: Client,
    upstream: Upstream,
    pub(crate) kept: Arc<dyn Store>,
    options: PullThroughOptions,
    /// When each tag was last asked for upstream.
    asked: Mutex<HashMap<(RepositoryName, TagName), Instant>>,
    /// Sizes of blobs upstream, which are asked for just before they are read.
    sizes: Mutex<HashMap<Digest, u64>>,
}

impl PullThrough {
    /// What `upstream` has, read with `client` and kept in `kept`.
    pub fn new(
        client: Client,
        upstream: Upstream,
        kept: Arc<dyn Store>,
        options: PullThroughOptions,
    ) -> Self {
        Self {
            client,
            upstream,
            kept,
            options,
            asked: Mutex::default(),
            sizes: Mutex::default(),
        }
    }

    /// A registry of it, which can only be read from.
    pub fn into_registry(self) -> Registry {
        Registry::builder()
            .store(Arc::new(self))
            .options(Options::default().with_access(Access::ReadOnly))
            .build()
    }

    /// A repository as it is called upstream.
    pub(crate) fn repository(&self, name: &RepositoryName) -> Result<Repository, Error> {
        let path = match &self.options.prefix {
            Some(prefix) => format!("{prefix}/{}", name.as_str()),
            None => name.as_str().to_owned(),
        };
        // What is no name there is not there.
        self.upstream
            .repository(&path)
            .map_err(|_| Error::RepositoryUnknown {
                repository: name.clone(),
            })
    }

    /// What a tag names: upstream, or what is kept while that is fresh or the upstream fails.
    pub(crate) async fn resolve(&self, name: &RepositoryName, tag: &TagName) -> Result<Digest, Error> {
        let kept = self.kept.tag(name, tag).await;
        if kept.is_ok() && self.is_fresh(name, tag) {
            return kept;
        }
        let repository = self.repository(name)?;
        let unknown = || Error::ManifestUnknown {
            repository: name.clone(),
            identifier: tag.as_str().to_owned(),
        };
        let reference = repository.tag(tag.as_str()).map_err(|_| unknown())?;
        let reference = Reference::Tag(reference);
        match self.client.head(&reference).await {
            Ok(found) => {
                let digest = found.digest().clone();
                if kept.ok().as_ref() != Some(&digest) {
                    self.keep_manifest(name, &repository, &digest, Some(tag)).await?;
                }
                self.note(name, tag);
                Ok(digest)
            }
            Err(error) if error.is_not_found() => {
                if kept.is_ok() {
                    self.kept.delete_tag(name, tag).await?;
                }
                Err(unknown())
            }
            // Some registries answer no HEAD, or not well; the next question tells.
            Err(error) if kept.is_err() && error.status().is_some() => {
                self.keep_tag(name, &repository, tag).await
            }
            Err(error) => {
                let digest = kept.map_err(|_| upstream_failed(error))?;
                tracing::warn!(
                    repository = name.as_str(),
                    tag = tag.as_str(),
                    "the upstream fails, using what is kept"
                );
                Ok(digest)
            }
        }
    }

    async fn keep_tag(
        &self,
        name: &RepositoryName,
        repository: &Repository,
        tag: &TagName,
    ) -> Result<Digest, Error> {
        let reference = repository
            .tag(tag.as_str())
            .map_err(|error| Error::Other(error.into()))?;
        let fetched = self.client.get(&Reference::Tag(reference)).await;
        let fetched = fetched.map_err(|error| manifest::failed(name, tag.as_str(), error))?;
        let new = manifest::to_keep(&fetched).with_tag(tag.clone());
        self.kept.put_manifest(name, new).await?;
        self.note(name, tag);
        Ok(fetched.descriptor().digest().clone())
    }

    /// Reads a manifest and keeps it, under a tag if there is one.
    pub(crate) async fn keep_manifest(
        &self,
        name: &RepositoryName,
        repository: &Repository,
        digest: &Digest,
        tag: Option<&TagName>,
    ) -> Result<(), Error> {
        let reference = Reference::Digest(repository.digest(digest.clone()));
        let fetched = self.client.get(&reference).await;
        let fetched = fetched.map_err(|error| manifest::failed(name, digest.as_ref(), error))?;
        let mut new = manifest::to_keep(&fetched);
        if let Some(tag) = tag {
            new = new.with_tag(tag.clone());
        }
        self.kept.put_manifest(name, new).await
    }

    /// The size of a blob, if it is known.
    pub(crate) fn known_size(&self, digest: &Digest) -> Option<u64> {
        let sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(digest).copied()
    }

    pub(crate) fn note_size(&self, digest: &Digest, size: u64) {
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        if sizes.len() >= MOST_KNOWN {
            sizes.clear();
        }
        sizes.insert(digest.clone(), size);
    }

    fn is_fresh(&self, name: &RepositoryName, tag: &TagName) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let when = asked.get(&(name.clone(), tag.clone()));
        when.is_some_and(|when| when.elapsed() < self.options.fresh)
    }

    fn note(&self, name: &RepositoryName, tag: &TagName) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= MOST_KNOWN {
            asked.clear();
        }
        asked.insert((name.clone(), tag.clone()), Instant::now());
    }
}

/// The upstream failed, and nothing that is kept will do.
pub(crate) fn upstream_failed(error: wharf_remote::Error) -> Error {
    Error::Other(error.into())
}

impl fmt::Debug for PullThrough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PullThrough")
            .field("upstream", &self.upstream)
            .field("kept", &self.kept)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
