//! The trait of layers.

use std::fmt::Debug;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};

use crate::{ByteStream, Error};

/// A filesystem changeset, or any other blob that a manifest lists among its layers.
///
/// # Contract
/// - [`descriptor`](Self::descriptor) gives media type, digest and size of the bytes of
///   [`compressed`](Self::compressed).
/// - [`diff_id`](Self::diff_id) is the digest of the bytes of [`uncompressed`](Self::uncompressed).
/// - "Compressed" means the form that a registry stores. It may be a plain tar, or no tar at all: the
///   media type is a claim, the magic bytes are the truth.
/// - Every call of `compressed` or `uncompressed` opens a fresh stream, unless
///   [`is_reopenable`](Self::is_reopenable) is false; then the second call fails with
///   [`Error::Consumed`].
/// - A stream of a layer whose digest is known ends without error only if its bytes hash to that
///   digest and are as many as the descriptor says.
/// - A layer that learns its digest while its bytes go by answers [`Error::NotComputed`] until then.
///
/// ```
/// use wharf_v1::{Layer, random};
///
/// /// The files in a layer, read by code that blocks, on a thread for that.
/// async fn list(layer: &dyn Layer) -> Result<Vec<String>, wharf_v1::Error> {
///     let reader = layer.uncompressed().await?.into_blocking_read();
///     let names = tokio::task::spawn_blocking(move || {
///         let mut archive = tar::Archive::new(reader);
///         let names = archive.entries()?.map(|entry| Ok(entry?.path()?.display().to_string()));
///         names.collect::<std::io::Result<Vec<_>>>()
///     });
///     Ok(names.await.expect("no panic")?)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// assert_eq!(list(&random::layer(1, 1000)).await?.len(), 1);
/// # Ok(()) }
/// ```
pub trait Layer: Debug + Send + Sync + 'static {
    /// The media type that the layer claims. Known without I/O.
    fn media_type(&self) -> MediaType;

    /// Media type, digest and size of the layer as stored, with `urls` and annotations if there are.
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>>;

    /// The digest of the uncompressed bytes.
    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>>;

    /// Opens the bytes as stored, verified.
    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>>;

    /// Opens the uncompressed bytes.
    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>>;

    /// Whether the bytes are there, told as cheaply as can be. They are not verified.
    ///
    /// By default the layer is opened, nothing is read, and [`Error::NotFound`] means no. A layer that can
    /// be read only once is there.
    fn exists(&self) -> BoxFuture<'_, Result<bool, Error>> {
        if !self.is_reopenable() {
            return Box::pin(async { Ok(true) });
        }
        Box::pin(async {
            match self.compressed().await {
                Ok(_) => Ok(true),
                Err(Error::NotFound { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    /// Whether the bytes can be opened more than once.
    fn is_reopenable(&self) -> bool {
        true
    }

    /// The repository that has this blob, from which a registry may be asked to mount it.
    fn mount_source(&self) -> Option<MountSource> {
        None
    }
}

/// Where a blob is present already.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MountSource {
    /// The registry, as `host[:port]`.
    pub registry: String,
    /// The repository in that registry.
    pub repository: String,
}

impl MountSource {
    /// A blob's home: the registry as `host[:port]` and the repository in it.
    pub fn new(registry: impl Into<String>, repository: impl Into<String>) -> Self {
        Self {
            registry: registry.into(),
            repository: repository.into(),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T: Layer + ?Sized> Layer for Arc<T> {
    fn media_type(&self) -> MediaType {
        (**self).media_type()
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        (**self).descriptor()
    }
    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        (**self).diff_id()
    }
    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        (**self).compressed()
    }
    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        (**self).uncompressed()
    }
    fn exists(&self) -> BoxFuture<'_, Result<bool, Error>> {
        (**self).exists()
    }
    fn is_reopenable(&self) -> bool {
        (**self).is_reopenable()
    }
    fn mount_source(&self) -> Option<MountSource> {
        (**self).mount_source()
    }
}

const _: fn(&dyn Layer) = |_| {};
