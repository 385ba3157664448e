//! Images of a layout.

use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, MediaType};
use tokio::sync::OnceCell;
use wharf_v1::{Config, Error, Image, Layer, Manifest};

use crate::blobs::Blobs;
use crate::layer::layer;

/// Largest manifest or config that is read, in bytes.
pub(crate) const DOCUMENT_LIMIT: u64 = 100 * 1024 * 1024;

/// An image of a layout. Its documents are read when first needed, and once.
pub(crate) struct LayoutImage {
    blobs: Blobs,
    descriptor: Descriptor,
    manifest: OnceCell<Manifest>,
    config: OnceCell<Config>,
}

impl LayoutImage {
    pub(crate) fn new(blobs: Blobs, descriptor: Descriptor) -> Self {
        Self {
            blobs,
            descriptor,
            manifest: OnceCell::new(),
            config: OnceCell::new(),
        }
    }

    async fn load_manifest(&self) -> Result<&Manifest, Error> {
        self.manifest
            .get_or_try_init(|| async {
                let raw = self.blobs.read(&self.descriptor, DOCUMENT_LIMIT).await?;
                Manifest::verified(
                    raw,
                    self.descriptor.media_type().clone(),
                    self.descriptor.digest(),
                )
            })
            .await
    }

    async fn load_config(&self) -> Result<&Config, Error> {
        self.config
            .get_or_try_init(|| async {
                let descriptor = self.load_manifest().await?.view()?.config();
                let raw = self.blobs.read(descriptor, DOCUMENT_LIMIT).await?;
                Config::verified(raw, descriptor.media_type().clone(), descriptor.digest())
            })
            .await
    }

    async fn open_layers(&self) -> Result<Vec<Arc<dyn Layer>>, Error> {
        let descriptors = self.load_manifest().await?.view()?.layers();
        // An artifact's config knows no diff_ids, and a damaged one is for `config` to report; either
        // way the layers can compute theirs.
        let config = self
            .load_config()
            .await
            .ok()
            .and_then(|config| config.view().ok());
        let diff_ids = config
            .map(|config| config.rootfs().diff_ids().as_slice())
            .unwrap_or_default();
        let aligned = diff_ids.len() == descriptors.len();
        let layers = descriptors.iter().enumerate().map(|(position, descriptor)| {
            let layer = layer(&self.blobs, descriptor);
            match diff_ids.get(position).and_then(|text| text.parse().ok()) {
                Some(diff_id) if aligned => Arc::new(layer.with_diff_id(diff_id)) as Arc<dyn Layer>,
                _ => Arc::new(layer),
            }
        });
        Ok(layers.collect())
    }
}

impl Image for LayoutImage {
    fn media_type(&self) -> MediaType {
        self.descriptor.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.descriptor.clone()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>> {
        Box::pin(async { Ok(self.load_manifest().await?.clone()) })
    }

    fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
        Box::pin(async { Ok(self.load_config().await?.clone()) })
    }

    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
        Box::pin(self.open_layers())
    }
}

impl fmt::Debug for LayoutImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayoutImage")
            .field("layout", &self.blobs.path())
            .field("digest", &self.descriptor.digest().to_string())
            .finish_non_exhaustive()
    }
}
