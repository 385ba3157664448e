//! A store in a directory.

mod disk;
mod garbage;
mod layout;
mod options;
mod reader;
mod repository;
mod sweep;
mod uploads;
mod walk;

use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_v1::ByteStream;

use crate::name::{RepositoryName, TagName};
use crate::store::{
    Chunk, Error, Listing, ManifestInfo, NewManifest, Page, Referrer, Store, StoredManifest, UploadId,
};

pub use garbage::{Garbage, GarbageOptions};
use layout::Layout;
pub use options::DirectoryOptions;
use repository::Repository;
use uploads::Uploads;

/// The format of the directory.
const VERSION: &[u8] = b"1\n";

/// How often what was left behind is looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// A [`Store`] in a directory.
///
/// Whatever was reported as stored is there after a crash of the process or the machine, and what was
/// not is not: content is written beside its place, synced and renamed. Uploads survive a restart.
/// Several processes may use one directory at the same time, on one machine.
///
/// Deleting a blob or manifest takes it out of its repository; the content stays in the directory, for
/// other repositories may have it. On a file system that ignores case, tags that differ only in case are
/// one tag.
#[derive(Clone)]
pub struct DirectoryStore {
    layout: Arc<Layout>,
    shared: Arc<Shared>,
}

struct Shared {
    options: DirectoryOptions,
    uploads: Uploads,
    swept: Mutex<Instant>,
    /// As long as it is open nobody collects garbage.
    _in_use: File,
}

impl DirectoryStore {
    /// Opens a directory with the default options, or makes one.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be made or read, or was made by a later version of this
    /// crate.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, DirectoryOptions::default()).await
    }

    /// Opens a directory, or makes one.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(path: impl AsRef<Path>, options: DirectoryOptions) -> Result<Self, Error> {
        // Absolute, so that every path in it has a parent to sync, wherever the process goes.
        let root = std::path::absolute(path.as_ref())?;
        let layout = Arc::new(Layout::new(root));
        let in_use = lock(Arc::clone(&layout), Lock::Shared).await?;
        let shared = Shared {
            _in_use: in_use,
            options,
            uploads: Uploads::default(),
            swept: Mutex::new(Instant::now()),
        };
        let store = Self {
            layout,
            shared: Arc::new(shared),
        };
        let expiry = store.shared.options.upload_expiry;
        store
            .blocking(move |layout| {
                prepare(layout)?;
                sweep::sweep(layout, expiry)
            })
            .await?;
        Ok(store)
    }

    /// Removes what nobody needs any more from a directory that no registry uses meanwhile.
    ///
    /// A repository's blob is garbage when no manifest of the repository names it, and content when it is in no
    /// repository. A manifest names what stands in it, whatever it is: children, config, layers, subject. Uploads that
    /// are not finished stay, as long as they do not expire.
    ///
    /// ```
    /// use wharf_registry::store::{DirectoryStore, GarbageOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// let store = DirectoryStore::open(dir.path()).await?;
    /// let options = GarbageOptions::default();
    /// assert!(DirectoryStore::collect_garbage(dir.path(), options.clone()).await.is_err());
    /// drop(store);
    /// let garbage = DirectoryStore::collect_garbage(dir.path(), options).await?;
    /// assert_eq!(garbage.bytes(), 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InUse`] when the directory is open, in this process or another; [`Error::Io`] when it cannot be read
    /// or changed. What was removed until then was garbage.
    pub async fn collect_garbage(path: impl AsRef<Path>, options: GarbageOptions) -> Result<Garbage, Error> {
        let layout = Arc::new(Layout::new(std::path::absolute(path.as_ref())?));
        if !disk::exists(&layout.version())? {
            let message = "this is not the directory of a registry";
            return Err(io::Error::new(io::ErrorKind::NotFound, message).into());
        }
        let in_use = lock(Arc::clone(&layout), Lock::Alone).await?;
        let work = move || {
            let garbage = garbage::collect(&layout, &options);
            drop(in_use);
            garbage
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(Error::Other(error.into())))
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.layout.root()
    }

    /// Does `work` where it may block. It runs to its end even if nobody waits for it.
    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Layout) -> Result<T, Error> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let layout = Arc::clone(&self.layout);
        let handle = tokio::task::spawn_blocking(move || work(&layout));
        async move {
            handle
                .await
                .unwrap_or_else(|error| Err(Error::Other(error.into())))
        }
        .boxed()
    }

    /// Does `work` on a repository where it may block.
    fn repository<T: Send + 'static>(
        &self,
        name: &RepositoryName,
        work: impl FnOnce(&Repository<'_>) -> Result<T, Error> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let name = name.clone();
        self.blocking(move |layout| work(&Repository::new(layout, &name)))
    }

    fn upload(&self, repository: &RepositoryName, id: &UploadId) -> Arc<uploads::Upload> {
        self.shared
            .uploads
            .get(&self.layout, repository, id, &DigestAlgorithm::Sha256)
    }

    /// Sweeps in the background, if it is time.
    fn sweep(&self) {
        {
            let mut swept = self.shared.swept.lock().unwrap_or_else(PoisonError::into_inner);
            if swept.elapsed() < SWEEP_INTERVAL {
                return;
            }
            *swept = Instant::now();
        }
        let (layout, expiry) = (Arc::clone(&self.layout), self.shared.options.upload_expiry);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = sweep::sweep(&layout, expiry) {
                tracing::warn!(%error, "removing what was left behind failed");
            }
        });
    }
}

#[derive(Clone, Copy)]
enum Lock {
    Shared,
    Alone,
}

/// Says that the directory is used, as long as the file is open.
async fn lock(layout: Arc<Layout>, lock: Lock) -> Result<File, Error> {
    let work = move || {
        disk::make_dir(layout.root())?;
        let file = File::options().create(true).append(true).open(layout.in_use())?;
        let taken = match lock {
            Lock::Shared => file.try_lock_shared(),
            Lock::Alone => file.try_lock(),
        };
        match taken {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::Other(error.into())))
}

fn prepare(layout: &Layout) -> Result<(), Error> {
    for dir in [layout.tmp(), layout.blobs(), layout.repositories()] {
        disk::make_dir(&dir)?;
    }
    match disk::read(&layout.version())? {
        None => Ok(disk::write(&layout.tmp(), &layout.version(), VERSION)?),
        Some(version) if version == VERSION => Ok(()),
        Some(_) => {
            let message = "the directory is of a later version";
            Err(io::Error::new(io::ErrorKind::InvalidData, message).into())
        }
    }
}

impl fmt::Debug for DirectoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryStore")
            .field("path", &self.path())
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

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

#[cfg(test)]
mod tests;
