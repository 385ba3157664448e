//! Layers that are kept once they were read.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::sync::OnceCell;

use crate::{ByteStream, Error, Layer, MountSource};

/// A layer whose bytes, as stored, stay in memory after they were first read to their end; up to a limit.
///
/// The bytes are kept only after they matched the layer's descriptor. A layer that is larger than the
/// limit, or that can be read only once, is passed through. Cloning is cheap, and clones share what is
/// kept.
///
/// ```
/// use wharf_v1::{Layer as _, partial::CachedLayer, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let layer = CachedLayer::new(random::layer(1, 1000), 1 << 20);
/// assert!(!layer.is_cached());
/// layer.compressed().await?.collect(1 << 20).await?;
/// assert!(layer.is_cached());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct CachedLayer {
    inner: Arc<dyn Layer>,
    limit: u64,
    kept: Arc<OnceLock<Bytes>>,
    diff_id: Arc<OnceCell<Digest>>,
}

impl CachedLayer {
    /// `layer`, kept in memory if it has at most `limit` bytes as stored.
    pub fn new(layer: impl Layer, limit: u64) -> Self {
        Self {
            inner: Arc::new(layer),
            limit,
            kept: Arc::default(),
            diff_id: Arc::default(),
        }
    }

    /// Whether the bytes are in memory.
    #[must_use]
    pub fn is_cached(&self) -> bool {
        self.kept.get().is_some()
    }

    async fn open(&self) -> Result<ByteStream, Error> {
        if let Some(bytes) = self.kept.get() {
            return Ok(ByteStream::from_bytes(bytes.clone()));
        }
        if !self.inner.is_reopenable() {
            return self.inner.compressed().await;
        }
        let descriptor = self.inner.descriptor().await?;
        let stream = self.inner.compressed().await?;
        if descriptor.size() > self.limit {
            return Ok(stream);
        }
        Ok(ByteStream::new(Keep {
            inner: stream.verified(&descriptor)?,
            seen: Some(BytesMut::new()),
            kept: Arc::clone(&self.kept),
        }))
    }
}

/// Passes a verified stream on, and keeps it when it ended well.
struct Keep {
    inner: ByteStream,
    /// `None` once the stream has failed or ended.
    seen: Option<BytesMut>,
    kept: Arc<OnceLock<Bytes>>,
}

impl Stream for Keep {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(Pin::new(&mut self.inner).poll_next(cx));
        match &item {
            Some(Ok(chunk)) => {
                if let Some(seen) = &mut self.seen {
                    seen.extend_from_slice(chunk);
                }
            }
            Some(Err(_)) => self.seen = None,
            None => {
                if let Some(seen) = self.seen.take() {
                    // Whoever was first kept the same bytes.
                    self.kept.get_or_init(|| seen.freeze());
                }
            }
        }
        Poll::Ready(item)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for CachedLayer {
    fn media_type(&self) -> MediaType {
        self.inner.media_type()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        self.inner.descriptor()
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        if !self.inner.is_reopenable() {
            return self.inner.diff_id();
        }
        Box::pin(async {
            self.diff_id
                .get_or_try_init(|| self.inner.diff_id())
                .await
                .cloned()
        })
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(self.open())
    }

    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(self.open().await?.decompressed()) })
    }

    fn exists(&self) -> BoxFuture<'_, Result<bool, Error>> {
        if self.is_cached() {
            return Box::pin(async { Ok(true) });
        }
        self.inner.exists()
    }

    fn is_reopenable(&self) -> bool {
        self.inner.is_reopenable()
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.inner.mount_source()
    }
}
