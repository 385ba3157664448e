//! The operations of a store, on its directory.

use std::ops::Range;
use std::path::PathBuf;

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_v1::ByteStream;

use crate::name::{RepositoryName, TagName};
use crate::store::{
    Chunk, Error, Listing, ManifestInfo, NewManifest, Page, Referrer, Store, StoredManifest, UploadId,
};

use super::repository::Repository;
use super::{DirectoryStore, disk, reader, uploads, walk};

#[deny(clippy::missing_trait_methods)]
impl Store for DirectoryStore {
    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        let digest = digest.clone();
        self.repository(repository, move |repository| repository.blob_size(&digest))
    }

    fn read_blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, Error>> {
        let digest = digest.clone();
        self.repository(repository, move |repository| {
            Ok(reader::stream(repository.open_blob(&digest)?, range)?)
        })
    }

    fn mount_blob<'a>(
        &'a self,
        from: &'a RepositoryName,
        to: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let (from, to, digest) = (from.clone(), to.clone(), digest.clone());
        self.blocking(move |layout| {
            Repository::new(layout, &from).blob_size(&digest)?;
            Repository::new(layout, &to).link_blob(&digest)
        })
    }

    fn delete_blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let digest = digest.clone();
        self.repository(repository, move |repository| repository.delete_blob(&digest))
    }

    fn blob_repositories<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Vec<RepositoryName>, Error>> {
        let digest = digest.clone();
        self.blocking(move |layout| {
            let mut having = walk::repositories(layout)?;
            having.retain(|name| Repository::new(layout, name).blob_size(&digest).is_ok());
            Ok(having)
        })
    }

    fn begin_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        algorithm: &'a DigestAlgorithm,
    ) -> BoxFuture<'a, Result<UploadId, Error>> {
        self.sweep();
        let id = UploadId::random();
        // For the algorithm's sake.
        self.shared.uploads.get(&self.layout, repository, &id, algorithm);
        let path: PathBuf = self.layout.repository(repository).upload(&id);
        self.blocking(move |_| Ok(disk::touch_unsynced(&path).map(|()| id)?))
    }

    fn upload_size<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        let (repository, id) = (repository.clone(), id.clone());
        self.blocking(move |layout| {
            let file = disk::present(std::fs::metadata(layout.repository(&repository).upload(&id)))?;
            file.map(|file| file.len())
                .ok_or_else(|| Error::upload_unknown(&repository, &id))
        })
    }

    fn append_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
        chunk: Chunk,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        async move {
            let appended = self.upload(repository, id).append(chunk).await;
            if matches!(appended, Err(Error::UploadUnknown { .. })) {
                self.shared.uploads.forget(repository, id);
            }
            appended
        }
        .boxed()
    }

    fn finish_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let finished = uploads::finish(&self.upload(repository, id), digest).await;
            if !matches!(finished, Err(Error::UploadBusy | Error::Io(_) | Error::Full(_))) {
                self.shared.uploads.forget(repository, id);
            }
            finished
        }
        .boxed()
    }

    fn cancel_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let cancelled = uploads::cancel(&self.upload(repository, id)).await;
            self.shared.uploads.forget(repository, id);
            cancelled
        }
        .boxed()
    }

    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<ManifestInfo, Error>> {
        let digest = digest.clone();
        self.repository(repository, move |repository| repository.manifest(&digest))
    }

    fn read_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<StoredManifest, Error>> {
        let digest = digest.clone();
        self.repository(repository, move |repository| repository.read_manifest(&digest))
    }

    fn put_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        manifest: NewManifest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.repository(repository, move |repository| repository.put_manifest(&manifest))
    }

    fn delete_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let digest = digest.clone();
        self.repository(repository, move |repository| repository.delete_manifest(&digest))
    }

    fn tag<'a>(
        &'a self,
        repository: &'a RepositoryName,
        tag: &'a TagName,
    ) -> BoxFuture<'a, Result<Digest, Error>> {
        let tag = tag.clone();
        self.repository(repository, move |repository| repository.tag(&tag))
    }

    fn delete_tag<'a>(
        &'a self,
        repository: &'a RepositoryName,
        tag: &'a TagName,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let tag = tag.clone();
        self.repository(repository, move |repository| repository.delete_tag(&tag))
    }

    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing<TagName>, Error>> {
        let page = page.clone();
        self.repository(repository, move |repository| repository.tags(&page))
    }

    fn repositories<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Listing<RepositoryName>, Error>> {
        let page = page.clone();
        self.blocking(move |layout| {
            let mut listed = Vec::new();
            for name in walk::repositories(layout)? {
                if Repository::new(layout, &name).has_manifests()? {
                    listed.push(name);
                }
            }
            Ok(page.cut(listed, |name| name.as_str()))
        })
    }

    fn referrers<'a>(
        &'a self,
        repository: &'a RepositoryName,
        subject: &'a Digest,
    ) -> BoxFuture<'a, Result<Vec<Referrer>, Error>> {
        let subject = subject.clone();
        self.repository(repository, move |repository| repository.referrers(&subject))
    }
}
