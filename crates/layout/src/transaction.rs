//! Several changes of a layout, made at once.

use std::collections::HashMap;
use std::fmt;

use oci_spec::image::{Descriptor, Digest};
use wharf_v1::{Image, Index, Matcher};

use crate::append::{Appender, Content};
use crate::draft::{Draft, Work};
use crate::file::{blocking, sync_directory};
use crate::index_file::{self, Change};
use crate::layout::make_skeleton;
use crate::lock::{BlobsLock, IndexLock};
use crate::store::Store;
use crate::{AppendOptions, Error};

/// Changes of a layout that are made together or not at all. Made by
/// [`Layout::transaction`](crate::Layout::transaction).
///
/// Blobs are stored as they are given, so that nothing is held in memory; the list of what the layout
/// has, `index.json`, is replaced once, by [`commit`](Self::commit). When the transaction is dropped
/// before, the layout lists what it did. Blobs that it stored are whole and stay, for the next try to
/// find, or for [`collect_garbage`](crate::Layout::collect_garbage) to remove; a layout that was made
/// for it is taken away.
///
/// Others may change the layout at the same time. The changes are made to what it lists at the time of
/// the commit.
///
/// ```
/// use wharf_layout::{AppendOptions, FindExt as _, Layout};
/// use wharf_v1::{empty, random};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let layout = Layout::create(dir.path()).await?;
/// let mut transaction = layout.transaction();
/// let named = |name| AppendOptions::new().with_ref_name(name);
/// transaction.append_image(&empty::image(), &named("a")).await?;
/// transaction.append_index(&random::index(1, 2, 2, 100), &named("b")).await?;
/// transaction.commit().await?;
/// assert!(layout.index().await?.entry("b").await?.is_some());
/// # Ok(())
/// # }
/// ```
pub struct Transaction {
    store: Store,
    draft: Draft,
    work: Work,
    /// Keeps blobs from being collected before they are listed.
    lock: Option<BlobsLock>,
    changes: Vec<Change>,
    /// Digest and size of all that must be there before the changes are made.
    needed: HashMap<Digest, u64>,
}

impl Transaction {
    pub(crate) fn new(store: &Store, draft: &Draft) -> Self {
        Self {
            store: store.clone(),
            draft: draft.clone(),
            work: draft.work(),
            lock: None,
            changes: Vec::new(),
            needed: HashMap::new(),
        }
    }

    /// Stores an image with all its blobs, to be listed. Returns the entry.
    ///
    /// # Errors
    /// As [`Layout::append_image`](crate::Layout::append_image). The transaction is as it was.
    pub async fn append_image(
        &mut self,
        image: &dyn Image,
        options: &AppendOptions,
    ) -> Result<Descriptor, Error> {
        self.append(Content::Image(image), options).await
    }

    /// Stores an index with everything below it, to be listed. Returns the entry.
    ///
    /// # Errors
    /// As [`Layout::append_index`](crate::Layout::append_index). The transaction is as it was.
    pub async fn append_index(
        &mut self,
        index: &dyn Index,
        options: &AppendOptions,
    ) -> Result<Descriptor, Error> {
        self.append(Content::Index(index), options).await
    }

    /// Lists an entry as it is. Whether the layout has what it describes is not checked.
    pub fn append_descriptor(&mut self, entry: Descriptor) {
        self.put(entry);
    }

    /// Takes all entries off the list that match, those before it in this transaction included. Their
    /// blobs stay.
    pub fn remove(&mut self, matcher: &Matcher) {
        self.changes.push(Change::Remove(matcher.clone()));
    }

    /// Makes the changes. Returns the entries that were removed.
    ///
    /// # Errors
    /// [`Error::Missing`] when a blob that was stored is gone, [`Error::Invalid`] when `index.json` is
    /// damaged, [`Error::Io`] when it cannot be written. The layout lists what it did before.
    ///
    /// # Cancel safety
    /// When the future is dropped the changes are made or not, but never some of them.
    pub async fn commit(mut self) -> Result<Vec<Descriptor>, Error> {
        self.prepare().await?;
        let Self {
            store,
            work,
            lock,
            changes,
            needed,
            ..
        } = self;
        blocking(move || {
            let _lock = IndexLock::acquire(store.root())?;
            // Blobs that were skipped may have been another's, who took them away since.
            for (digest, size) in &needed {
                if store.size_now(digest)? != Some(*size) {
                    return Err(Error::Missing {
                        digest: digest.clone(),
                    });
                }
            }
            if !needed.is_empty() {
                for directory in store.directories(needed.keys()) {
                    sync_directory(&directory)?;
                }
            }
            let removed = index_file::change(store.root(), changes)?;
            work.keep();
            drop(lock);
            Ok(removed)
        })
        .await
    }

    pub(crate) async fn append(
        &mut self,
        content: Content<'_>,
        options: &AppendOptions,
    ) -> Result<Descriptor, Error> {
        self.prepare().await?;
        let appender = Appender::new(&self.store, &self.draft, options);
        let entry = appender.append(content).await?;
        self.needed.extend(appender.into_needed());
        self.put(entry.clone());
        Ok(entry)
    }

    fn put(&mut self, entry: Descriptor) {
        self.changes.push(Change::Put(Box::new(entry)));
    }

    /// Makes what a layout needs to be written to, and keeps the garbage collector out.
    async fn prepare(&mut self) -> Result<(), Error> {
        if self.lock.is_none() {
            let (store, draft) = (self.store.clone(), self.draft.clone());
            let lock = blocking(move || {
                make_skeleton(&store, &draft)?;
                BlobsLock::shared(&store)
            });
            self.lock = Some(lock.await?);
        }
        Ok(())
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("layout", &self.store.root())
            .field("changes", &self.changes.len())
            .finish_non_exhaustive()
    }
}
