//! A store in a directory.

mod disk;
mod garbage;
mod layout;
mod opening;
mod operations;
mod options;
mod reader;
mod repository;
mod sweep;
mod uploads;
mod walk;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use oci_spec::image::DigestAlgorithm;

use crate::name::RepositoryName;
use crate::store::intake::join;
use crate::store::{Error, Garbage, UploadId};

pub use garbage::GarbageOptions;
use layout::Layout;
use opening::{Lock, lock, prepare};
pub use options::DirectoryOptions;
use repository::Repository;
use uploads::Uploads;

/// How often what was left behind is looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// A [`Store`](crate::store::Store) in a directory.
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
        join(tokio::task::spawn_blocking(work)).await
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
        join(tokio::task::spawn_blocking(move || work(&layout))).boxed()
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

impl fmt::Debug for DirectoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryStore")
            .field("path", &self.path())
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
