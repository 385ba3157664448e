//! A store in memory.

mod content;
mod options;
mod repository;
mod upload;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_v1::ByteStream;

use crate::name::{RepositoryName, TagName};
use crate::store::{
    Chunk, Error, Listing, ManifestInfo, NewManifest, Page, Referrer, Store, StoredManifest, UploadId,
};

use content::Contents;
pub use options::MemoryOptions;
use repository::Repository;
use upload::Uploads;

/// A [`Store`] in memory, for tests: nothing is on disk, and all is gone with it.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    options: MemoryOptions,
    uploads: Uploads,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    contents: Contents,
    repositories: BTreeMap<RepositoryName, Repository>,
}

impl MemoryStore {
    /// An empty store with the default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store.
    #[must_use]
    pub fn with_options(options: MemoryOptions) -> Self {
        let contents = Contents::with_capacity(options.capacity);
        let state = State {
            contents,
            repositories: BTreeMap::new(),
        };
        Self {
            shared: Arc::new(Shared {
                options,
                uploads: Uploads::default(),
                state: Mutex::new(state),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("MemoryStore")
            .field("repositories", &state.repositories.len())
            .field("bytes", &state.contents.used())
            .finish_non_exhaustive()
    }
}

impl State {
    fn blob_size(&self, repository: &RepositoryName, digest: &Digest) -> Result<u64, Error> {
        let found = self
            .repositories
            .get(repository)
            .filter(|repository| repository.blobs.contains(digest));
        found
            .and_then(|_| self.contents.size(digest))
            .ok_or_else(|| Error::blob_unknown(repository, digest))
    }

    /// The repository, which comes into being if it is not there.
    fn repository_mut(&mut self, name: &RepositoryName) -> &mut Repository {
        self.repositories.entry(name.clone()).or_default()
    }

    fn link_blob(&mut self, repository: &RepositoryName, digest: &Digest) {
        if self.repository_mut(repository).blobs.insert(digest.clone()) {
            self.contents.link(digest);
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for MemoryStore {
    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        ready(self.state().blob_size(repository, digest))
    }

    fn read_blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, Error>> {
        let state = self.state();
        let stream = state
            .blob_size(repository, digest)
            .map(|_| state.contents.read(digest, range));
        ready(stream)
    }

    fn mount_blob<'a>(
        &'a self,
        from: &'a RepositoryName,
        to: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let mut state = self.state();
        let found = state.blob_size(from, digest);
        ready(found.map(|_| state.link_blob(to, digest)))
    }

    fn delete_blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let mut state = self.state();
        let found = state.blob_size(repository, digest);
        ready(found.map(|_| {
            state.repository_mut(repository).blobs.remove(digest);
            state.contents.unlink(digest);
        }))
    }

    fn blob_repositories<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Vec<RepositoryName>, Error>> {
        let state = self.state();
        let having = state
            .repositories
            .iter()
            .filter(|(_, repository)| repository.blobs.contains(digest));
        ready(Ok(having.map(|(name, _)| name.clone()).collect()))
    }

    fn begin_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        algorithm: &'a DigestAlgorithm,
    ) -> BoxFuture<'a, Result<UploadId, Error>> {
        ready(self.shared.uploads.begin(&self.shared, repository, algorithm))
    }

    fn upload_size<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        ready(
            self.shared
                .uploads
                .get(repository, id)
                .map(|upload| upload.size()),
        )
    }

    fn append_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
        chunk: Chunk,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        async move { self.shared.uploads.get(repository, id)?.append(chunk).await }.boxed()
    }

    fn finish_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let upload = self.shared.uploads.get(repository, id)?;
            let content = upload.finish(digest).await;
            self.shared.uploads.remove(repository, id)?;
            let content = content?;
            let mut state = self.state();
            state.contents.insert(digest, content);
            state.link_blob(repository, digest);
            Ok(())
        }
        .boxed()
    }

    fn cancel_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
    ) -> BoxFuture<'a, Result<(), Error>> {
        ready(self.shared.uploads.remove(repository, id))
    }

    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<ManifestInfo, Error>> {
        let state = self.state();
        let manifest = state
            .repositories
            .get(repository)
            .and_then(|found| found.manifests.get(digest));
        let info =
            manifest.map(|found| ManifestInfo::new(&*found.stored.media_type, found.stored.raw.len() as u64));
        ready(info.ok_or_else(|| Error::manifest_unknown(repository, digest)))
    }

    fn read_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<StoredManifest, Error>> {
        let state = self.state();
        let manifest = state
            .repositories
            .get(repository)
            .and_then(|found| found.manifests.get(digest));
        let stored = manifest.map(|found| found.stored.clone());
        ready(stored.ok_or_else(|| Error::manifest_unknown(repository, digest)))
    }

    fn put_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        manifest: NewManifest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let mut state = self.state();
        let added = state.contents.reserve(manifest.raw.len() as u64);
        ready(added.map(|()| {
            let size = state.repository_mut(repository).put(manifest);
            state.contents.release(size);
        }))
    }

    fn delete_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let mut state = self.state();
        let deleted = state
            .repositories
            .get_mut(repository)
            .and_then(|found| found.delete(digest));
        ready(match deleted {
            Some(size) => {
                state.contents.release(size);
                Ok(())
            }
            None => Err(Error::manifest_unknown(repository, digest)),
        })
    }

    fn tag<'a>(
        &'a self,
        repository: &'a RepositoryName,
        tag: &'a TagName,
    ) -> BoxFuture<'a, Result<Digest, Error>> {
        let state = self.state();
        let digest = state
            .repositories
            .get(repository)
            .and_then(|found| found.tags.get(tag))
            .cloned();
        ready(digest.ok_or_else(|| Error::tag_unknown(repository, tag)))
    }

    fn delete_tag<'a>(
        &'a self,
        repository: &'a RepositoryName,
        tag: &'a TagName,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let mut state = self.state();
        let removed = state
            .repositories
            .get_mut(repository)
            .and_then(|found| found.tags.remove(tag));
        ready(
            removed
                .map(drop)
                .ok_or_else(|| Error::tag_unknown(repository, tag)),
        )
    }

    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing<TagName>, Error>> {
        let state = self.state();
        let listing = state
            .repositories
            .get(repository)
            .map(|found| page.cut(found.tags.keys().cloned(), |tag| tag.as_str()));
        ready(listing.ok_or_else(|| Error::RepositoryUnknown {
            repository: repository.clone(),
        }))
    }

    fn repositories<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Listing<RepositoryName>, Error>> {
        let state = self.state();
        let listed = state
            .repositories
            .iter()
            .filter(|(_, repository)| !repository.manifests.is_empty());
        ready(Ok(
            page.cut(listed.map(|(name, _)| name.clone()), |name| name.as_str())
        ))
    }

    fn referrers<'a>(
        &'a self,
        repository: &'a RepositoryName,
        subject: &'a Digest,
    ) -> BoxFuture<'a, Result<Vec<Referrer>, Error>> {
        let state = self.state();
        let found = state
            .repositories
            .get(repository)
            .and_then(|found| found.referrers.get(subject));
        ready(Ok(found
            .map(|referrers| referrers.values().cloned().collect())
            .unwrap_or_default()))
    }
}

fn ready<'a, T: Send + 'a>(value: Result<T, Error>) -> BoxFuture<'a, Result<T, Error>> {
    std::future::ready(value).boxed()
}

#[cfg(test)]
mod tests;
