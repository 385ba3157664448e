//! Images made of their parts.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, MediaType};

use crate::{Config, DocumentKind, Error, Image, Layer, Manifest};

/// An image whose documents are at hand and whose layers are given.
#[derive(Clone, Debug)]
pub struct AssembledImage {
    manifest: Manifest,
    descriptor: Descriptor,
    config: Config,
    layers: Vec<Arc<dyn Layer>>,
}

impl AssembledImage {
    /// An image of a manifest, the config that it names and its layers, base first.
    ///
    /// # Errors
    /// [`Error::InvalidDocument`] when the manifest is none or lists another number of layers,
    /// [`Error::DigestMismatch`] or [`Error::SizeMismatch`] when it names another config.
    pub fn new(manifest: Manifest, config: Config, layers: Vec<Arc<dyn Layer>>) -> Result<Self, Error> {
        let view = manifest.view()?;
        config.check(view.config())?;
        if view.layers().len() != layers.len() {
            let source = WrongLayers {
                listed: view.layers().len(),
                given: layers.len(),
            };
            return Err(Error::InvalidDocument {
                kind: DocumentKind::Manifest,
                source: source.into(),
            });
        }
        let descriptor = manifest.descriptor();
        Ok(Self {
            manifest,
            descriptor,
            config,
            layers,
        })
    }

    /// The image with what an index says of it: platform, annotations, urls.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] or [`Error::SizeMismatch`] when `descriptor` describes another manifest.
    pub fn with_descriptor(mut self, descriptor: Descriptor) -> Result<Self, Error> {
        self.manifest.check(&descriptor)?;
        self.descriptor = descriptor;
        Ok(self)
    }

    /// Media type, digest and size of the manifest, and what an index says of it if that is known.
    #[must_use]
    pub fn as_descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it lists {listed} layers, and {given} are given")]
struct WrongLayers {
    listed: usize,
    given: usize,
}

impl Image for AssembledImage {
    fn media_type(&self) -> MediaType {
        self.manifest.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.descriptor.clone()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>> {
        Box::pin(async { Ok(self.manifest.clone()) })
    }

    fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
        Box::pin(async { Ok(self.config.clone()) })
    }

    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
        Box::pin(async { Ok(self.layers.clone()) })
    }
}
