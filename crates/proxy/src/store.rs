//! What is asked of a registry, answered from what is kept and from upstream.

use std::ops::Range;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use oci_spec::image::{Descriptor, Digest, DigestAlgorithm};
use wharf_registry::store::{
    Chunk, Error, Listing, ManifestInfo, NewManifest, Page, Referrer, Store, StoredManifest, UploadId,
};
use wharf_registry::{RepositoryName, TagName};
use wharf_v1::{ByteStream, Layer as _};

use crate::pull_through::upstream_failed;
use crate::{PullThrough, fill};

/// Entries of a list that is put together here.
const MOST_TAGS: usize = 1_000_000;

impl PullThrough {
    /// Size of a blob upstream.
    async fn size_upstream(&self, name: &RepositoryName, digest: &Digest) -> Result<u64, Error> {
        let layer = self.client.layer(&self.repository(name)?.digest(digest.clone()));
        match layer.descriptor().await {
            Ok(descriptor) => {
                self.note_size(digest, descriptor.size());
                Ok(descriptor.size())
            }
            Err(error) => Err(blob_failed(name, digest, error)),
        }
    }

    async fn read_upstream(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        range: Range<u64>,
    ) -> Result<ByteStream, Error> {
        let blob = self.repository(name)?.digest(digest.clone());
        let stream = self.client.blob(&blob).await;
        let stream = stream.map_err(|error| blob_failed(name, digest, error.into()))?;
        let size = match self.known_size(digest) {
            Some(size) => size,
            None => self.size_upstream(name, digest).await?,
        };
        if range == (0..size) {
            return Ok(fill::keeping(
                Arc::clone(&self.kept),
                name.clone(),
                digest.clone(),
                stream,
            ));
        }
        // Of a part nothing could be verified.
        fill::keep(&*self.kept, name, digest, stream).await?;
        self.kept.read_blob(name, digest, range).await
    }

    async fn tags_upstream(&self, name: &RepositoryName) -> Result<Vec<TagName>, Error> {
        let mut entries = Box::pin(self.client.tags(&self.repository(name)?).entries());
        let mut tags = Vec::new();
        while let Some(tag) = entries.next().await {
            let tag = match tag {
                Ok(tag) => tag,
                Err(error) if error.is_not_found() => {
                    return Err(Error::RepositoryUnknown {
                        repository: name.clone(),
                    });
                }
                Err(error) => return Err(upstream_failed(error)),
            };
            // What is no tag by the specification cannot be asked for here.
            tags.extend(tag.parse::<TagName>());
            if tags.len() >= MOST_TAGS {
                break;
            }
        }
        tags.sort();
        tags.dedup();
        Ok(tags)
    }
}

fn blob_failed(name: &RepositoryName, digest: &Digest, error: wharf_v1::Error) -> Error {
    let is_missing = matches!(error, wharf_v1::Error::NotFound { .. })
        || error
            .source_ref::<wharf_remote::Error>()
            .is_some_and(wharf_remote::Error::is_not_found);
    if is_missing {
        return Error::BlobUnknown {
            repository: name.clone(),
            digest: digest.clone(),
        };
    }
    Error::Other(error.into())
}

fn page_of(tags: Vec<TagName>, page: &Page) -> Listing<TagName> {
    let after = page.after.as_deref();
    let mut rest = tags
        .into_iter()
        .skip_while(|tag| after.is_some_and(|after| tag.as_str() <= after));
    let entries: Vec<TagName> = rest.by_ref().take(page.limit).collect();
    let more = page.limit > 0 && rest.next().is_some();
    Listing::new(entries, more)
}

fn referrer(descriptor: &Descriptor) -> Referrer {
    let media_type = descriptor.media_type().to_string();
    let mut referrer = Referrer::new(media_type, descriptor.digest().clone(), descriptor.size());
    if let Some(kind) = descriptor.artifact_type() {
        referrer = referrer.with_artifact_type(kind.to_string());
    }
    let annotations = descriptor.annotations().clone().unwrap_or_default();
    referrer.with_annotations(annotations.into_iter().collect())
}

impl Store for PullThrough {
    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            match self.kept.blob(repository, digest).await {
                Err(error) if error.is_not_found() => self.size_upstream(repository, digest).await,
                known => known,
            }
        })
    }

    fn read_blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, Error>> {
        Box::pin(async move {
            match self.kept.read_blob(repository, digest, range.clone()).await {
                Err(error) if error.is_not_found() => self.read_upstream(repository, digest, range).await,
                known => known,
            }
        })
    }

    fn mount_blob<'a>(
        &'a self,
        from: &'a RepositoryName,
        to: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.kept.mount_blob(from, to, digest)
    }

    fn delete_blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.kept.delete_blob(repository, digest)
    }

    fn blob_repositories<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Vec<RepositoryName>, Error>> {
        self.kept.blob_repositories(digest)
    }

    fn begin_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        algorithm: &'a DigestAlgorithm,
    ) -> BoxFuture<'a, Result<UploadId, Error>> {
        self.kept.begin_upload(repository, algorithm)
    }

    fn upload_size<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        self.kept.upload_size(repository, id)
    }

    fn append_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
        chunk: Chunk,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        self.kept.append_upload(repository, id, chunk)
    }

    fn finish_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.kept.finish_upload(repository, id, digest)
    }

    fn cancel_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.kept.cancel_upload(repository, id)
    }

    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<ManifestInfo, Error>> {
        Box::pin(async move {
            match self.kept.manifest(repository, digest).await {
                Err(error) if error.is_not_found() => {
                    let upstream = self.repository(repository)?;
                    self.keep_manifest(repository, &upstream, digest, None).await?;
                    self.kept.manifest(repository, digest).await
                }
                known => known,
            }
        })
    }

    fn read_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<StoredManifest, Error>> {
        Box::pin(async move {
            match self.kept.read_manifest(repository, digest).await {
                Err(error) if error.is_not_found() => {
                    let upstream = self.repository(repository)?;
                    self.keep_manifest(repository, &upstream, digest, None).await?;
                    self.kept.read_manifest(repository, digest).await
                }
                known => known,
            }
        })
    }

    fn put_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        manifest: NewManifest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.kept.put_manifest(repository, manifest)
    }

    fn delete_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.kept.delete_manifest(repository, digest)
    }

    fn tag<'a>(
        &'a self,
        repository: &'a RepositoryName,
        tag: &'a TagName,
    ) -> BoxFuture<'a, Result<Digest, Error>> {
        Box::pin(self.resolve(repository, tag))
    }

    fn delete_tag<'a>(
        &'a self,
        repository: &'a RepositoryName,
        tag: &'a TagName,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.kept.delete_tag(repository, tag)
    }

    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing<TagName>, Error>> {
        Box::pin(async move {
            match self.tags_upstream(repository).await {
                Ok(tags) => Ok(page_of(tags, page)),
                Err(error) if error.is_not_found() => Err(error),
                Err(error) => self.kept.tags(repository, page).await.map_err(|_| error),
            }
        })
    }

    /// Those that something is kept of: upstream registries list theirs to few.
    fn repositories<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Listing<RepositoryName>, Error>> {
        self.kept.repositories(page)
    }

    fn referrers<'a>(
        &'a self,
        repository: &'a RepositoryName,
        subject: &'a Digest,
    ) -> BoxFuture<'a, Result<Vec<Referrer>, Error>> {
        Box::pin(async move {
            let upstream = self.repository(repository)?.digest(subject.clone());
            match self.client.referrers(&upstream, None).await {
                Ok(found) => {
                    let mut found: Vec<Referrer> = found.iter().map(referrer).collect();
                    found.sort_by(|a, b| a.digest.as_ref().cmp(b.digest.as_ref()));
                    Ok(found)
                }
                Err(_) => self.kept.referrers(repository, subject).await,
            }
        })
    }
}
