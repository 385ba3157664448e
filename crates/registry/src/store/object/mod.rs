//! A store in a bucket of an object store: S3, GCS, Azure, or anything else that the `object_store` crate knows.

mod garbage;
mod keys;
mod lists;
mod objects;
mod session;
#[cfg(test)]
mod tests;
mod turns;

use std::ops::Range;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use object_store::ObjectStore;
use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_v1::ByteStream;

use crate::name::{RepositoryName, TagName};
use crate::store::{
    Chunk, Error, Listing, ManifestInfo, NewManifest, Page, Referrer, Store, StoredManifest, UploadId,
};

pub use self::garbage::BucketGarbageOptions;
use self::keys::Keys;
use self::objects::Objects;
use self::turns::Turns;

/// A store in a bucket. Cloning is cheap.
///
/// Several servers may share one bucket, and none of them keeps anything that another needs: an upload that was begun at
/// one can be gone on with at another. An object is written whole or not at all, and a blob appears under its name when
/// its bytes were hashed. Uploads go in parts of 8 MiB, of which one is in memory at a time for each; what was hashed as it
/// came at one server is not read again there to be made a blob, unless it has several parts.
///
/// ```
/// use std::sync::Arc;
/// use object_store::memory::InMemory;
/// use wharf_registry::Registry;
/// use wharf_registry::store::BucketStore;
///
/// let bucket = Arc::new(InMemory::new());
/// let servers = [1, 2].map(|_| {
///     let store = BucketStore::new(bucket.clone(), "registry");
///     Registry::builder().store(Arc::new(store)).build()
/// });
/// # let _ = servers;
/// ```
///
/// Content that no repository has any more stays in the bucket until [`collect_garbage`](Self::collect_garbage) takes it.
#[derive(Clone, Debug)]
pub struct BucketStore {
    objects: Objects,
    keys: Keys,
    turns: Arc<Turns>,
}

impl BucketStore {
    /// The store in a bucket, below `prefix`, which may be empty.
    pub fn new(bucket: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self {
            objects: Objects::new(bucket),
            keys: Keys::below(prefix),
            turns: Arc::default(),
        }
    }

    async fn blob_size(&self, repository: &RepositoryName, digest: &Digest) -> Result<u64, Error> {
        let link = self
            .objects
            .read(&self.keys.blob_link(repository, digest))
            .await?;
        let link = link.ok_or_else(|| Error::blob_unknown(repository, digest))?;
        let size = std::str::from_utf8(&link).ok().and_then(|size| size.parse().ok());
        size.ok_or_else(|| Error::Other(format!("the link to {digest} in {repository} is damaged").into()))
    }

    async fn link_blob(&self, repository: &RepositoryName, digest: &Digest, size: u64) -> Result<(), Error> {
        self.know(repository).await?;
        let link = self.keys.blob_link(repository, digest);
        self.objects.write(&link, size.to_string().into()).await
    }

    async fn stored_manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<StoredManifest, Error> {
        let object = self.objects.read(&self.keys.manifest(repository, digest)).await?;
        let object = object.ok_or_else(|| Error::manifest_unknown(repository, digest))?;
        // The media type is the first line.
        let damaged = || Error::Other(format!("manifest {digest} in {repository} is damaged").into());
        let end = object
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or_else(damaged)?;
        let media_type = std::str::from_utf8(&object[..end]).map_err(|_| damaged())?;
        Ok(StoredManifest::new(media_type, object.slice(end + 1..)))
    }

    async fn store_manifest(&self, repository: &RepositoryName, manifest: NewManifest) -> Result<(), Error> {
        self.know(repository).await?;
        let mut object = manifest.media_type.replace('\n', " ").into_bytes();
        object.push(b'\n');
        object.extend_from_slice(&manifest.raw);
        let key = self.keys.manifest(repository, &manifest.digest);
        self.objects.write(&key, object.into()).await?;
        if let Some((subject, referrer)) = &manifest.subject {
            let json = serde_json::to_vec(referrer).map_err(|error| Error::Other(error.into()))?;
            let key = self.keys.referrer(repository, subject, &manifest.digest);
            self.objects.write(&key, json.into()).await?;
            let back = self.keys.subject(repository, &manifest.digest);
            self.objects.write(&back, subject.to_string().into()).await?;
        }
        // Last: who finds the tag finds the manifest.
        for tag in &manifest.tags {
            let digest = manifest.digest.to_string();
            self.objects
                .write(&self.keys.tag(repository, tag), digest.into())
                .await?;
        }
        Ok(())
    }

    async fn tagged(&self, repository: &RepositoryName, tag: &TagName) -> Result<Digest, Error> {
        let object = self.objects.read(&self.keys.tag(repository, tag)).await?;
        let object = object.ok_or_else(|| Error::tag_unknown(repository, tag))?;
        let digest = std::str::from_utf8(&object).ok();
        digest
            .and_then(|digest| wharf_v1::parse_digest(digest).ok())
            .ok_or_else(|| Error::Other(format!("tag {tag} in {repository} is damaged").into()))
    }

    async fn remove_manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<(), Error> {
        let key = self.keys.manifest(repository, digest);
        if !self.objects.exists(&key).await? {
            return Err(Error::manifest_unknown(repository, digest));
        }
        for tag in self.tag_names(repository).await? {
            if self
                .tagged(repository, &tag)
                .await
                .is_ok_and(|named| named == *digest)
            {
                self.objects.delete(&self.keys.tag(repository, &tag)).await?;
            }
        }
        let back = self.keys.subject(repository, digest);
        if let Some(subject) = self.objects.read(&back).await? {
            let subject = std::str::from_utf8(&subject).ok();
            if let Some(subject) = subject.and_then(|subject| wharf_v1::parse_digest(subject).ok()) {
                self.objects
                    .delete(&self.keys.referrer(repository, &subject, digest))
                    .await?;
            }
            self.objects.delete(&back).await?;
        }
        self.objects.delete(&key).await?;
        Ok(())
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for BucketStore {
    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        self.blob_size(repository, digest).boxed()
    }

    fn read_blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, Error>> {
        async move {
            self.blob_size(repository, digest).await?;
            self.objects.open(&self.keys.blob(digest), range).await
        }
        .boxed()
    }

    fn mount_blob<'a>(
        &'a self,
        from: &'a RepositoryName,
        to: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let size = self.blob_size(from, digest).await?;
            // A link that is there is not this mount's to take away below, and `from` may be `to`.
            let there = self.keys.blob_link(to, digest);
            if from == to || self.objects.exists(&there).await? {
                return Ok(());
            }
            self.link_blob(to, digest, size).await?;
            if self.objects.exists(&self.keys.blob(digest)).await? {
                return Ok(());
            }
            // `from` has lost it since, and with it went the content.
            self.objects.delete(&there).await?;
            Err(Error::blob_unknown(from, digest))
        }
        .boxed()
    }

    fn delete_blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            self.blob_size(repository, digest).await?;
            self.objects
                .delete(&self.keys.blob_link(repository, digest))
                .await
        }
        .boxed()
    }

    fn blob_repositories<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Vec<RepositoryName>, Error>> {
        self.repositories_with(digest).boxed()
    }

    fn begin_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        algorithm: &'a DigestAlgorithm,
    ) -> BoxFuture<'a, Result<UploadId, Error>> {
        self.begin(repository, algorithm).boxed()
    }

    fn upload_size<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        async move { Ok(self.parts(repository, id).await?.size()) }.boxed()
    }

    fn append_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
        chunk: Chunk,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        self.append(repository, id, chunk).boxed()
    }

    fn finish_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.finish(repository, id, digest).boxed()
    }

    fn cancel_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.cancel(repository, id).boxed()
    }

    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<ManifestInfo, Error>> {
        async move {
            let stored = self.stored_manifest(repository, digest).await?;
            Ok(ManifestInfo::new(stored.media_type, stored.raw.len() as u64))
        }
        .boxed()
    }

    fn read_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<StoredManifest, Error>> {
        self.stored_manifest(repository, digest).boxed()
    }

    fn put_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        manifest: NewManifest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.store_manifest(repository, manifest).boxed()
    }

    fn delete_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.remove_manifest(repository, digest).boxed()
    }

    fn tag<'a>(
        &'a self,
        repository: &'a RepositoryName,
        tag: &'a TagName,
    ) -> BoxFuture<'a, Result<Digest, Error>> {
        self.tagged(repository, tag).boxed()
    }

    fn delete_tag<'a>(
        &'a self,
        repository: &'a RepositoryName,
        tag: &'a TagName,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            self.tagged(repository, tag).await?;
            self.objects.delete(&self.keys.tag(repository, tag)).await
        }
        .boxed()
    }

    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing<TagName>, Error>> {
        async move {
            let tags = self.tag_names(repository).await?;
            if tags.is_empty() && !self.is_known(repository).await? {
                return Err(Error::RepositoryUnknown {
                    repository: repository.clone(),
                });
            }
            Ok(page.cut(tags, |tag| tag.as_str()))
        }
        .boxed()
    }

    fn repositories<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Listing<RepositoryName>, Error>> {
        async move {
            let names = self.repository_names().await?;
            Ok(page.cut(names, |name| name.as_str()))
        }
        .boxed()
    }

    fn referrers<'a>(
        &'a self,
        repository: &'a RepositoryName,
        subject: &'a Digest,
    ) -> BoxFuture<'a, Result<Vec<Referrer>, Error>> {
        self.referrers_of(repository, subject).boxed()
    }
}
