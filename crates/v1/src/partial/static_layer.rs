//! Layers that are in memory.

use bytes::Bytes;
use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::sync::OnceCell;

use crate::{ByteStream, Codec, Error, Hasher, Layer};

/// A layer whose bytes, as stored, are in memory. They may be compressed or not, a tar or any other
/// blob; `static.NewLayer` in go-containerregistry.
///
/// ```
/// use wharf_v1::oci_spec::image::MediaType;
/// use wharf_v1::{Layer as _, partial::StaticLayer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let layer = StaticLayer::new("{}", MediaType::EmptyJSON);
/// assert_eq!(layer.descriptor().await?.size(), 2);
/// assert_eq!(layer.compressed().await?.collect(1024).await?, "{}");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct StaticLayer {
    bytes: Bytes,
    descriptor: Descriptor,
    diff_id: OnceCell<Digest>,
}

impl StaticLayer {
    /// A layer of these bytes, which are what a registry stores.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>, media_type: MediaType) -> Self {
        let bytes = bytes.into();
        let layer_digest = crate::sha256(&bytes);
        let diff_id = match Codec::detect(&bytes) {
            Codec::None => OnceCell::new_with(Some(layer_digest.clone())),
            _ => OnceCell::new(),
        };
        let descriptor = Descriptor::new(media_type, bytes.len() as u64, layer_digest);
        Self {
            bytes,
            descriptor,
            diff_id,
        }
    }

    /// Media type, digest and size of the bytes.
    #[must_use]
    pub fn as_descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
}

impl Layer for StaticLayer {
    fn media_type(&self) -> MediaType {
        self.descriptor.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.descriptor.clone()) })
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async {
            let compute = || async {
                let content = ByteStream::from_bytes(self.bytes.clone()).decompressed();
                Ok(content.measure(Hasher::sha256()).await?.digest)
            };
            self.diff_id.get_or_try_init(compute).await.cloned()
        })
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(ByteStream::from_bytes(self.bytes.clone())) })
    }

    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(ByteStream::from_bytes(self.bytes.clone()).decompressed()) })
    }
}
