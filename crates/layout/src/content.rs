//! The blobs of a layout, one at a time.

use std::sync::Arc;

use bytes::Bytes;
use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::sync::Semaphore;
use wharf_v1::ByteStream;

use crate::file::blocking;
use crate::layout::make_skeleton;
use crate::lock::BlobsLock;
use crate::sink::{self, Expected, Stored};
use crate::{Error, Layout};

impl Layout {
    /// Whether a blob is present. Its bytes are not checked.
    ///
    /// # Errors
    /// [`Error::Io`] when the file system does not tell.
    pub async fn has_blob(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.blob_size(digest).await?.is_some())
    }

    /// How many bytes a blob has; `None` where it is not present. Its bytes are not checked.
    ///
    /// # Errors
    /// [`Error::Io`] when the file system does not tell.
    pub async fn blob_size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        self.store.size(digest).await
    }

    /// Opens a blob. The stream fails at its end when the bytes are not those of the digest.
    ///
    /// # Errors
    /// [`wharf_v1::Error::NotFound`] in [`Error::Content`] when it is not there, [`Error::Symlink`] or
    /// [`Error::NotRegular`] when it is no file, [`Error::Io`] when it cannot be opened.
    pub async fn blob(&self, digest: &Digest) -> Result<ByteStream, Error> {
        self.blobs().open_any_size(digest).await
    }

    /// Reads a blob into memory, verified. It may have `limit` bytes at most.
    ///
    /// # Errors
    /// As [`Layout::blob`], and in [`Error::Content`] what is wrong with its bytes.
    pub async fn read_blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Bytes, Error> {
        self.blobs().read_verified(descriptor, limit).await
    }

    /// Stores a blob, unless it is there in its full size: then `bytes` is not read.
    ///
    /// Nothing lists it, so [`collect_garbage`](Layout::collect_garbage) removes it until something does.
    ///
    /// # Errors
    /// [`Error::Store`] when the bytes cannot be read or are not those of the descriptor, [`Error::Io`]
    /// when they cannot be written. Nothing is left behind.
    ///
    /// # Cancel safety
    /// When the future is dropped the blob is there as a whole or not at all.
    pub async fn put_blob(&self, descriptor: &Descriptor, bytes: ByteStream) -> Result<(), Error> {
        if self.blob_size(descriptor.digest()).await? == Some(descriptor.size()) {
            return Ok(());
        }
        let expected = Expected::Exactly(Box::new(descriptor.clone()));
        self.store_blob(bytes, expected).await.map(drop)
    }

    /// Stores a blob under the sha256 digest that it turns out to have, and returns its descriptor.
    ///
    /// # Errors
    /// [`Error::StoreStream`] when the bytes cannot be read, [`Error::Io`] when they cannot be written.
    ///
    /// # Cancel safety
    /// As [`Layout::put_blob`].
    pub async fn add_blob(&self, media_type: MediaType, bytes: ByteStream) -> Result<Descriptor, Error> {
        let stored = self.store_blob(bytes, Expected::Unknown).await?;
        Ok(Descriptor::new(media_type, stored.size, stored.digest))
    }

    /// Removes a blob, whatever needs it. Returns whether there was one.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be removed.
    pub async fn remove_blob(&self, digest: &Digest) -> Result<bool, Error> {
        let (store, digest) = (self.store.clone(), digest.clone());
        blocking(move || store.remove_now(&digest)).await
    }

    async fn store_blob(&self, bytes: ByteStream, expected: Expected) -> Result<Stored, Error> {
        let work = self.draft.work();
        let (store, draft) = (self.store.clone(), self.draft.clone());
        let _lock = blocking(move || {
            make_skeleton(&store, &draft)?;
            BlobsLock::shared(&store)
        })
        .await?;
        let permit = Arc::new(Semaphore::new(1))
            .acquire_owned()
            .await
            .expect("never closed");
        let stored = sink::store(&self.store, &self.draft, permit, bytes, expected).await?;
        work.keep();
        Ok(stored)
    }
}
