//! Layers and other blobs of a layout.

use futures_core::future::BoxFuture;
use oci_spec::image::Descriptor;
use wharf_v1::partial::{BlobLayer, BlobSource};
use wharf_v1::{ByteStream, Error};

use crate::blobs::Blobs;

/// A blob of a layout, as a layer.
pub(crate) type LayoutLayer = BlobLayer<StoredBlob>;

/// Where a blob is.
#[derive(Debug)]
pub(crate) struct StoredBlob {
    blobs: Blobs,
    descriptor: Descriptor,
}

/// The layer that `descriptor` describes.
pub(crate) fn layer(blobs: &Blobs, descriptor: &Descriptor) -> LayoutLayer {
    let source = StoredBlob {
        blobs: blobs.clone(),
        descriptor: descriptor.clone(),
    };
    BlobLayer::new(descriptor.clone(), source)
}

impl BlobSource for StoredBlob {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(self.blobs.open_unverified(&self.descriptor).await?) })
    }
}
