//! Removing what no entry needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use oci_spec::image::Digest;

use crate::blobs::Blobs;
use crate::file::{TEMP_PREFIX, blocking, sync_directory};
use crate::lock::{BlobsLock, IndexLock};
use crate::reach::reach;
use crate::{Error, Layout, index_file};

/// How old a file of a writer must be to count as left over, where writers cannot be kept out.
const LEFT_OVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether garbage is removed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CollectMode {
    /// It is.
    #[default]
    Remove,
    /// It is only told.
    DryRun,
}

/// What the garbage collector found, and removed unless it was a dry run.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Blobs that nothing needs, with their sizes in bytes, in the order of their digests.
    pub blobs: Vec<(Digest, u64)>,
    /// Unfinished files of writers that crashed.
    pub left_over: Vec<PathBuf>,
    /// What lies among the blobs and is none. It is never removed.
    pub strays: Vec<PathBuf>,
    /// Blobs that are needed but not there. Those that live elsewhere are not among them.
    pub missing: Vec<Digest>,
}

impl Collected {
    /// Bytes of all blobs that nothing needs.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.blobs.iter().map(|(_, size)| size).sum()
    }
}

impl Layout {
    /// Removes the blobs that no entry needs, and unfinished files that crashed writers left.
    ///
    /// An entry needs its manifest and all that this names: config, layers, nested indexes with their
    /// children, and the subject that it refers to, as do manifests of kinds that we do not know.
    /// Referrers are entries, or children of entries, and so are kept; what they refer to is kept with
    /// them. What is not there is no error, since an index may be sparse.
    ///
    /// It waits until no append or [`Transaction`](crate::Transaction) is under way and keeps new ones
    /// waiting, in all processes, so nothing is taken from under them. So do not call it while the
    /// same task holds a transaction. Where the file system has no locks, an append that finds a blob
    /// taken away stores it again.
    ///
    /// ```
    /// use wharf_layout::{AppendOptions, CollectMode, Layout};
    /// use wharf_v1::{Matcher, random};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// let layout = Layout::create(dir.path()).await?;
    /// let options = AppendOptions::new().with_ref_name("old");
    /// layout.append_image(&random::image(1, 2, 100), &options).await?;
    /// layout.remove(&Matcher::name("old")).await?;
    /// assert_eq!(layout.collect_garbage(CollectMode::DryRun).await?.blobs.len(), 4);
    /// assert_eq!(layout.collect_garbage(CollectMode::Remove).await?.blobs.len(), 4);
    /// assert_eq!(layout.collect_garbage(CollectMode::Remove).await?.blobs.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Content`] when `index.json` or a manifest is damaged: what it needs is not known then,
    /// and nothing is removed. [`Error::Io`] when files cannot be listed or removed.
    pub async fn collect_garbage(&self, mode: CollectMode) -> Result<Collected, Error> {
        let store = self.store.clone();
        blocking(move || {
            let alone = BlobsLock::alone(&store)?;
            let _lock = IndexLock::acquire(store.root())?;
            let index = index_file::read(store.root())?;
            let blobs = Blobs::Directory(store.clone());
            let mut reach = reach(&blobs, &index)?;
            if let Some((_, error)) = reach.broken.pop() {
                return Err(error);
            }
            // Some tools keep `index.json` as a blob as well.
            reach.needed.entry(index.digest().clone()).or_default();
            let listing = blobs.list_now()?;
            let mut collected = Collected::default();
            for (digest, size) in listing.blobs {
                if !reach.needed.contains_key(&digest) {
                    collected.blobs.push((digest, size));
                }
            }
            for path in listing.strays.into_iter().chain(unfinished(store.root())?) {
                if is_temporary(&path) && (alone.is_held() || is_old(&path)) {
                    collected.left_over.push(path);
                } else {
                    collected.strays.push(path);
                }
            }
            for digest in reach.needed.into_keys() {
                let is_own = digest != *index.digest() && !reach.foreign.contains(&digest);
                if is_own && store.size_now(&digest)?.is_none() {
                    collected.missing.push(digest);
                }
            }
            collected
                .blobs
                .sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
            collected.missing.sort_by(|a, b| a.as_ref().cmp(b.as_ref()));
            if mode == CollectMode::Remove {
                for (digest, _) in &collected.blobs {
                    store.remove_now(digest)?;
                }
                for path in &collected.left_over {
                    // Gone already is as good.
                    let _ = fs::remove_file(path);
                }
                for directory in store.directories(collected.blobs.iter().map(|(digest, _)| digest)) {
                    if directory.is_dir() {
                        sync_directory(&directory)?;
                    }
                }
            }
            Ok(collected)
        })
        .await
    }
}

/// Files that were to become `index.json` or `oci-layout`. Who holds the lock knows that nobody is at it.
fn unfinished(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = fs::read_dir(root).map_err(|error| Error::io("read", root, error))?;
    let mut found = Vec::new();
    for entry in read {
        let path = entry.map_err(|error| Error::io("read", root, error))?.path();
        if is_temporary(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether this is a regular file that our writers name.
fn is_temporary(path: &Path) -> bool {
    let named = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(TEMP_PREFIX));
    named && path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

fn is_old(path: &Path) -> bool {
    let modified = path.symlink_metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| {
        SystemTime::now()
            .duration_since(modified)
            .is_ok_and(|age| age > LEFT_OVER)
    })
}
