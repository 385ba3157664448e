//! The cache.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oci_spec::image::{Descriptor, Digest};
use tokio::sync::Mutex;
use wharf_v1::{ByteStream, Image, Index, Layer};

use crate::room::{self, Trimmed, Usage};
use crate::store::Store;
use crate::{CacheOptions, CachedImage, CachedIndex, CachedLayer, Check, Error, tee};

/// More bytes than a manifest or config can sensibly have.
const DOCUMENT_LIMIT: u64 = 100 << 20;

/// A directory that keeps content by digest. Cloning is cheap.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    store: Store,
    options: CacheOptions,
    /// Bytes of all entries, as far as is known: other processes add theirs. `None` until somebody has looked.
    used: Mutex<Option<u64>>,
}

impl Cache {
    /// Opens the cache in a directory, which is made if it is not there, for its owner only.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be made.
    pub fn open(path: impl Into<PathBuf>, options: CacheOptions) -> Result<Self, Error> {
        let store = Store::create(path.into())?;
        Ok(Self(Arc::new(Inner {
            store,
            options,
            used: Mutex::new(None),
        })))
    }

    /// An image that is read through the cache.
    pub fn image(&self, image: impl Image) -> CachedImage {
        CachedImage::new(self.clone(), Arc::new(image))
    }

    /// An index that is read through the cache, with all that it leads to.
    pub fn index(&self, index: impl Index) -> CachedIndex {
        CachedIndex::new(self.clone(), Arc::new(index))
    }

    /// A layer that is read through the cache.
    pub fn layer(&self, layer: impl Layer) -> CachedLayer {
        CachedLayer::new(self.clone(), Arc::new(layer))
    }

    /// The bytes of an entry; `None` if there is none, or it is damaged, as far as that can be told yet.
    ///
    /// The stream fails as [`ByteStream::verified`] does; the entry is then removed.
    ///
    /// # Errors
    /// [`Error::Io`] when the entry cannot be opened.
    pub async fn get(&self, descriptor: &Descriptor) -> Result<Option<ByteStream>, Error> {
        let digest = descriptor.digest();
        match self.0.store.size(digest).await? {
            None => return Ok(None),
            Some(size) if size != descriptor.size() => {
                self.discard(digest).await;
                return Ok(None);
            }
            Some(_) => {}
        }
        if self.0.options.check == Check::Before && !self.is_good(descriptor).await? {
            self.discard(digest).await;
            return Ok(None);
        }
        let opened = self.0.store.open(descriptor).await?;
        room::touch(self.0.store.path(digest));
        let guard = (self.clone(), digest.clone());
        let stream = stream::unfold((opened, guard), |(mut opened, guard)| async move {
            let item = opened.next().await?;
            if item.is_err() {
                guard.0.discard(&guard.1).await;
            }
            Some((item, (opened, guard)))
        });
        Ok(Some(ByteStream::new(stream)))
    }

    /// Adds an entry, unless it is there or is larger than the [limit](CacheOptions::limit).
    ///
    /// # Errors
    /// [`Error::Content`] when the bytes are not those of the descriptor or cannot be read, [`Error::Io`] when they cannot be
    /// written. Nothing is left behind then.
    pub async fn put(&self, descriptor: &Descriptor, bytes: ByteStream) -> Result<(), Error> {
        if !self.takes(descriptor) {
            return Ok(());
        }
        if self.has(descriptor).await {
            return Ok(());
        }
        self.0.store.write(descriptor, bytes).await?;
        let Some(limit) = self.0.options.limit else {
            return Ok(());
        };
        let mut used = self.0.used.lock().await;
        let now = match *used {
            Some(before) => before.saturating_add(descriptor.size()),
            None => room::usage(self.0.store.root()).await?.bytes,
        };
        *used = Some(if now > limit {
            room::trim(self.0.store.root(), limit).await?.left
        } else {
            now
        });
        Ok(())
    }

    /// Removes an entry. Whether there was one.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be removed.
    pub async fn remove(&self, digest: &Digest) -> Result<bool, Error> {
        if self.0.options.read_only {
            return Ok(false);
        }
        self.0.store.remove(digest).await
    }

    /// How much there is.
    ///
    /// # Errors
    /// [`Error::Io`] when the file system does not tell.
    pub async fn usage(&self) -> Result<Usage, Error> {
        room::usage(self.0.store.root()).await
    }

    /// Removes the least recently used entries until the others have at most `limit` bytes and a tenth of that is free.
    /// Entries that somebody reads stay readable for him.
    ///
    /// # Errors
    /// [`Error::Io`] when the file system refuses.
    pub async fn trim(&self, limit: u64) -> Result<Trimmed, Error> {
        room::trim(self.0.store.root(), limit).await
    }

    fn takes(&self, descriptor: &Descriptor) -> bool {
        let fits = |limit| descriptor.size() <= limit;
        !self.0.options.read_only && self.0.options.limit.is_none_or(fits)
    }

    /// Whether an entry has the bytes that it should have.
    async fn is_good(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        let mut stream = self.0.store.open(descriptor).await?;
        while let Some(chunk) = stream.next().await {
            if chunk.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes an entry that is damaged. That it cannot be is no matter for whoever reads.
    async fn discard(&self, digest: &Digest) {
        tracing::warn!("Layer {digest} is damaged in cache, getting");
        if let Err(error) = self.remove(digest).await {
            tracing::warn!(%digest, %error, "cannot remove a damaged entry from the cache");
        }
    }

    /// A blob from the cache, or else by `open`, and then into the cache as it goes by.
    pub(crate) async fn through(
        &self,
        descriptor: &Descriptor,
        open: impl Future<Output = Result<ByteStream, wharf_v1::Error>> + Send,
    ) -> Result<ByteStream, wharf_v1::Error> {
        let digest = descriptor.digest();
        if let Some(stream) = self.look(descriptor).await {
            tracing::info!("Layer {digest} found (compressed) in cache");
            return Ok(stream);
        }
        tracing::info!("Layer {digest} not found (compressed) in cache, getting");
        let stream = open.await?;
        if !self.takes(descriptor) {
            return Ok(stream);
        }
        Ok(tee::into_cache(self.clone(), descriptor.clone(), stream))
    }

    /// A manifest or config from the cache, or else by `read`, and then into the cache.
    pub(crate) async fn document(
        &self,
        descriptor: &Descriptor,
        read: impl Future<Output = Result<Bytes, wharf_v1::Error>> + Send,
    ) -> Result<Bytes, wharf_v1::Error> {
        if let Some(stream) = self.look(descriptor).await
            && let Ok(bytes) = stream.collect(DOCUMENT_LIMIT).await
        {
            return Ok(bytes);
        }
        let bytes = read.await?;
        if let Err(error) = self.put(descriptor, ByteStream::from_bytes(bytes.clone())).await {
            tracing::warn!(digest = %descriptor.digest(), %error, "cannot write to the cache");
        }
        Ok(bytes)
    }

    /// What the cache has. That it cannot tell is as good as nothing.
    async fn look(&self, descriptor: &Descriptor) -> Option<ByteStream> {
        match self.get(descriptor).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(digest = %descriptor.digest(), %error, "cannot read from the cache");
                None
            }
        }
    }

    /// Whether there is an entry of the right size.
    pub(crate) async fn has(&self, descriptor: &Descriptor) -> bool {
        let size = self.0.store.size(descriptor.digest()).await;
        size.is_ok_and(|size| size == Some(descriptor.size()))
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("path", &self.0.store.root())
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}
