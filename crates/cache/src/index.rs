//! Indexes that are read through a cache.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, MediaType};
use wharf_v1::{Child, Document, Error, Index, IndexManifest, MountSource};

use crate::{Cache, CachedImage, CachedLayer};

/// An index that is read through a [`Cache`], with all that it leads to. Made by [`Cache::index`]. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct CachedIndex {
    cache: Cache,
    inner: Arc<dyn Index>,
}

impl CachedIndex {
    pub(crate) fn new(cache: Cache, inner: Arc<dyn Index>) -> Self {
        Self { cache, inner }
    }
}

impl Index for CachedIndex {
    fn media_type(&self) -> MediaType {
        self.inner.media_type()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        self.inner.descriptor()
    }

    fn manifest(&self) -> BoxFuture<'_, Result<IndexManifest, Error>> {
        Box::pin(async {
            let descriptor = match self.inner.descriptor().await {
                Err(Error::NotComputed) => return self.inner.manifest().await,
                known => known?,
            };
            let read = async { Ok(self.inner.manifest().await?.raw().clone()) };
            let raw = self.cache.document(&descriptor, read).await?;
            Ok(Document::new(raw, descriptor.media_type().clone()))
        })
    }

    fn child<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Child, Error>> {
        Box::pin(async {
            let cache = self.cache.clone();
            Ok(match self.inner.child(descriptor).await? {
                Child::Image(image) => Child::Image(Arc::new(CachedImage::new(cache, image))),
                Child::Index(index) => Child::Index(Arc::new(Self::new(cache, index))),
                Child::Blob(blob) => Child::Blob(Arc::new(CachedLayer::new(cache, blob))),
                other => other,
            })
        })
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.inner.mount_source()
    }
}
