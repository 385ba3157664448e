//! A layer as a manifest describes it.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use wharf_v1::{ByteStream, Error, Layer, MountSource};

use crate::append::Description;

/// A layer that the manifest says other things of than it says itself.
#[derive(Debug)]
pub(crate) struct Described {
    layer: Arc<dyn Layer>,
    description: Description,
}

impl Described {
    /// The layer with this description; the layer itself when that says nothing.
    pub(crate) fn wrap(layer: Arc<dyn Layer>, description: Description) -> Arc<dyn Layer> {
        let Description {
            media_type,
            urls,
            annotations,
        } = &description;
        if media_type.is_none() && urls.is_empty() && annotations.is_empty() {
            return layer;
        }
        Arc::new(Self { layer, description })
    }

    /// The layer under another media type.
    pub(crate) fn of_type(layer: Arc<dyn Layer>, media_type: MediaType) -> Arc<dyn Layer> {
        let description = Description {
            media_type: Some(media_type),
            ..Description::default()
        };
        Self::wrap(layer, description)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for Described {
    fn media_type(&self) -> MediaType {
        self.description
            .media_type
            .clone()
            .unwrap_or_else(|| self.layer.media_type())
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async {
            let mut descriptor = self.layer.descriptor().await?;
            let Description {
                media_type,
                urls,
                annotations,
            } = &self.description;
            if let Some(media_type) = media_type {
                descriptor.set_media_type(media_type.clone());
            }
            if !urls.is_empty() {
                descriptor.set_urls(Some(urls.clone()));
            }
            if !annotations.is_empty() {
                descriptor.set_annotations(Some(annotations.clone().into_iter().collect()));
            }
            Ok(descriptor)
        })
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        self.layer.diff_id()
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.layer.compressed()
    }

    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.layer.uncompressed()
    }

    fn exists(&self) -> BoxFuture<'_, Result<bool, Error>> {
        self.layer.exists()
    }

    fn is_reopenable(&self) -> bool {
        self.layer.is_reopenable()
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.layer.mount_source()
    }
}
