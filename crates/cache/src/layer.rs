//! Layers that are read through a cache.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use wharf_v1::partial::diff_ids;
use wharf_v1::{ByteStream, Error, Image as _, Layer, MountSource};

use crate::{Cache, CachedImage};

/// A layer that is read through a [`Cache`]. Made by [`Cache::layer`], and by cached images. Cloning is cheap.
///
/// A layer whose digest is not known yet, or that can be read only once, is passed through.
#[derive(Clone, Debug)]
pub struct CachedLayer {
    cache: Cache,
    inner: Inner,
    /// The image that it is a layer of, and at which place.
    image: Option<(CachedImage, usize)>,
}

#[derive(Clone, Debug)]
enum Inner {
    Layer(Arc<dyn Layer>),
    /// What the manifest says of the layer, which is not asked for from its image before it is needed.
    Named(Arc<Descriptor>),
}

impl CachedLayer {
    pub(crate) fn new(cache: Cache, inner: Arc<dyn Layer>) -> Self {
        let inner = Inner::Layer(inner);
        Self {
            cache,
            inner,
            image: None,
        }
    }

    pub(crate) fn in_image(image: CachedImage, at: usize, inner: Arc<dyn Layer>) -> Self {
        Self {
            cache: image.cache().clone(),
            inner: Inner::Layer(inner),
            image: Some((image, at)),
        }
    }

    pub(crate) fn named(image: CachedImage, at: usize, descriptor: Descriptor) -> Self {
        Self {
            cache: image.cache().clone(),
            inner: Inner::Named(Arc::new(descriptor)),
            image: Some((image, at)),
        }
    }

    async fn inner(&self) -> Result<Arc<dyn Layer>, Error> {
        match (&self.inner, &self.image) {
            (Inner::Layer(layer), _) => Ok(Arc::clone(layer)),
            (Inner::Named(_), Some((image, at))) => image.inner_layer(*at).await,
            (Inner::Named(descriptor), None) => Err(Error::NotFound {
                digest: descriptor.digest().clone(),
            }),
        }
    }

    /// The diff_id as the config has it, which is in the cache too.
    async fn diff_id_in_config(&self) -> Result<Option<Digest>, Error> {
        let Some((image, at)) = &self.image else {
            return Ok(None);
        };
        let diff_ids = diff_ids(&image.manifest().await?, &image.config().await?)?;
        Ok(diff_ids.and_then(|mut diff_ids| (*at < diff_ids.len()).then(|| diff_ids.swap_remove(*at))))
    }
}

impl Layer for CachedLayer {
    fn media_type(&self) -> MediaType {
        match &self.inner {
            Inner::Layer(layer) => layer.media_type(),
            Inner::Named(descriptor) => descriptor.media_type().clone(),
        }
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        match &self.inner {
            Inner::Layer(layer) => layer.descriptor(),
            Inner::Named(descriptor) => Box::pin(async { Ok(Descriptor::clone(descriptor)) }),
        }
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async {
            match self.diff_id_in_config().await {
                Ok(Some(diff_id)) => Ok(diff_id),
                _ => self.inner().await?.diff_id().await,
            }
        })
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async {
            if let Inner::Layer(layer) = &self.inner
                && !layer.is_reopenable()
            {
                return layer.compressed().await;
            }
            let open = async { self.inner().await?.compressed().await };
            self.cache.through(&self.descriptor().await?, open).await
        })
    }

    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async {
            match &self.inner {
                Inner::Layer(layer) if !layer.is_reopenable() => layer.uncompressed().await,
                _ => Ok(self.compressed().await?.decompressed()),
            }
        })
    }

    fn exists(&self) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async {
            if let Ok(descriptor) = self.descriptor().await
                && self.cache.has(&descriptor).await
            {
                return Ok(true);
            }
            self.inner().await?.exists().await
        })
    }

    fn is_reopenable(&self) -> bool {
        match &self.inner {
            Inner::Layer(layer) => layer.is_reopenable(),
            Inner::Named(_) => true,
        }
    }

    fn mount_source(&self) -> Option<MountSource> {
        match (&self.inner, &self.image) {
            (Inner::Layer(layer), _) => layer.mount_source(),
            (Inner::Named(_), Some((image, _))) => image.mount_source(),
            (Inner::Named(_), None) => None,
        }
    }
}
