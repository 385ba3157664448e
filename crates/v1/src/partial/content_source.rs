//! Where stored content is.

use std::fmt::Debug;

use futures_core::future::BoxFuture;
use oci_spec::image::Descriptor;

use crate::{ByteStream, DecompressLimits, Error, MountSource};

/// A place that has content by its digest: manifests, configs and layers alike.
///
/// This is all that a store has to know. [`StoredImage`](super::StoredImage) and
/// [`StoredIndex`](super::StoredIndex) make the traits of it: they verify, parse each document once, and
/// find out each diff_id once.
///
/// # Contract
/// [`open`](Self::open) gives the same bytes from their beginning, each time that it is called. They need
/// not be verified. Content that is not there is [`Error::NotFound`].
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Arc;
///
/// use futures_core::future::BoxFuture;
/// use wharf_v1::oci_spec::image::Descriptor;
/// use wharf_v1::partial::{ContentSource, StoredImage};
/// use wharf_v1::{ByteStream, Error, Image as _, ImageExt as _, Layer as _, random};
///
/// #[derive(Debug, Default)]
/// struct Memory(HashMap<String, bytes::Bytes>);
///
/// impl ContentSource for Memory {
///     fn open<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<ByteStream, Error>> {
///         Box::pin(async {
///             let digest = descriptor.digest();
///             let bytes = self.0.get(digest.as_ref()).cloned();
///             let bytes = bytes.ok_or_else(|| Error::NotFound { digest: digest.clone() })?;
///             Ok(ByteStream::from_bytes(bytes))
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let image = random::image(1, 1, 1000);
/// let mut memory = Memory::default();
/// let (manifest, config) = (image.manifest().await?, image.config().await?);
/// memory.0.insert(manifest.digest().to_string(), manifest.raw().clone());
/// memory.0.insert(config.digest().to_string(), config.raw().clone());
/// for layer in image.layers().await? {
///     let digest = layer.descriptor().await?.digest().to_string();
///     memory.0.insert(digest, layer.compressed().await?.collect(1 << 20).await?);
/// }
///
/// let stored = StoredImage::new(manifest.descriptor(), Arc::new(memory));
/// assert_eq!(stored.digest().await?, image.digest().await?);
/// assert_eq!(stored.layers().await?.len(), 1);
/// # Ok(()) }
/// ```
pub trait ContentSource: Debug + Send + Sync + 'static {
    /// Opens the bytes that `descriptor` describes.
    fn open<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<ByteStream, Error>>;

    /// How far its layers may swell when they are decompressed. Default: those of [`DecompressLimits`].
    fn limits(&self) -> DecompressLimits {
        DecompressLimits::default()
    }

    /// The repository that has all of this content, from which a registry may be asked to mount it.
    fn mount_source(&self) -> Option<MountSource> {
        None
    }
}

const _: fn(&dyn ContentSource) = |_| {};
