//! Images that are read through a cache.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, MediaType};
use wharf_v1::{Config, Document, Error, Image, Layer, Manifest, MountSource};

use crate::{Cache, CachedLayer};

/// An image that is read through a [`Cache`]: manifest, config and layers. Made by [`Cache::image`]. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct CachedImage {
    cache: Cache,
    inner: Arc<dyn Image>,
}

impl CachedImage {
    pub(crate) fn new(cache: Cache, inner: Arc<dyn Image>) -> Self {
        Self { cache, inner }
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The layer at a place, as the image itself has it.
    pub(crate) async fn inner_layer(&self, at: usize) -> Result<Arc<dyn Layer>, Error> {
        let mut layers = self.inner.layers().await?;
        if at < layers.len() {
            return Ok(layers.swap_remove(at));
        }
        Err(Error::source(format!(
            "the image has no layer {at}, which its manifest names"
        )))
    }

    /// Whether the manifest is in the cache.
    async fn is_known(&self) -> bool {
        match self.inner.descriptor().await {
            Ok(descriptor) => self.cache.has(&descriptor).await,
            Err(_) => false,
        }
    }
}

impl Image for CachedImage {
    fn media_type(&self) -> MediaType {
        self.inner.media_type()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        self.inner.descriptor()
    }

    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>> {
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

    fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
        Box::pin(async {
            let manifest = match self.manifest().await {
                Err(Error::NotComputed) => return self.inner.config().await,
                known => known?,
            };
            let descriptor = manifest.view()?.config();
            let read = async { Ok(self.inner.config().await?.raw().clone()) };
            let raw = self.cache.document(descriptor, read).await?;
            Ok(Document::new(raw, descriptor.media_type().clone()))
        })
    }

    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
        Box::pin(async {
            if self.is_known().await {
                // Whatever the image itself would have to read for it.
                let manifest = self.manifest().await?;
                let layers = manifest.view()?.layers().iter().enumerate();
                let cached = layers.map(|(at, descriptor)| -> Arc<dyn Layer> {
                    Arc::new(CachedLayer::named(self.clone(), at, descriptor.clone()))
                });
                return Ok(cached.collect());
            }
            let layers = self.inner.layers().await?.into_iter().enumerate();
            let cached = layers.map(|(at, layer)| -> Arc<dyn Layer> {
                Arc::new(CachedLayer::in_image(self.clone(), at, layer))
            });
            Ok(cached.collect())
        })
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.inner.mount_source()
    }
}
