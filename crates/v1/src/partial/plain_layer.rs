//! Layers made of their uncompressed bytes.

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::sync::OnceCell;

use super::BlobSource;
use crate::{ByteStream, Error, Hasher, Layer, Measured, MountSource};

/// A layer of which there are the uncompressed bytes, and which is stored just so.
///
/// Its digest is its diff_id, and is computed with the size when one of them is first asked for, by
/// reading the bytes once. After that every stream is verified.
///
/// Nothing is compressed here, so the media type has to be one of an uncompressed layer. To store it
/// compressed, make a layer of it with `wharf_layer::LayerBuilder`: that compresses once, and keeps what
/// came of it. (An uncompressed layer of go-containerregistry is compressed anew for its digest and each
/// time that it is opened.)
///
/// ```
/// use futures_core::future::BoxFuture;
/// use wharf_v1::oci_spec::image::MediaType;
/// use wharf_v1::partial::{BlobSource, PlainLayer};
/// use wharf_v1::{ByteStream, Error, Layer as _};
///
/// #[derive(Debug)]
/// struct Dots;
///
/// impl BlobSource for Dots {
///     fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
///         Box::pin(async { Ok(ByteStream::from_bytes("..........")) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let layer = PlainLayer::new(MediaType::ImageLayer, Dots);
/// assert_eq!(
///     layer.diff_id().await?.to_string(),
///     "sha256:537f3fb69ba01fc388a3a5c920c485b2873d5f327305c3dd2004d6a04451659b"
/// );
/// assert_eq!(layer.descriptor().await?.size(), 10);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PlainLayer<S> {
    media_type: MediaType,
    source: S,
    diff_id: Option<Digest>,
    descriptor: OnceCell<Descriptor>,
}

impl<S: BlobSource> PlainLayer<S> {
    /// A layer of the bytes that `source` opens.
    pub fn new(media_type: MediaType, source: S) -> Self {
        Self {
            media_type,
            source,
            diff_id: None,
            descriptor: OnceCell::new(),
        }
    }

    /// The layer with a diff_id that is known, from an image's config. Its bytes are held to it.
    #[must_use]
    pub fn with_diff_id(mut self, diff_id: Digest) -> Self {
        self.diff_id = Some(diff_id);
        self
    }

    async fn known_diff_id(&self) -> Result<Option<Digest>, Error> {
        match &self.diff_id {
            Some(diff_id) => Ok(Some(diff_id.clone())),
            None => self.source.diff_id().await,
        }
    }

    async fn describe(&self) -> Result<Descriptor, Error> {
        let stream = self.source.open().await?;
        let Measured { digest, size } = match self.known_diff_id().await? {
            Some(diff_id) => {
                let hasher = Hasher::new(diff_id.algorithm())?;
                stream.verified_digest(&diff_id)?.measure(hasher).await?
            }
            None => stream.measure(Hasher::sha256()).await?,
        };
        Ok(Descriptor::new(self.media_type.clone(), size, digest))
    }
}

impl<S: BlobSource> Layer for PlainLayer<S> {
    fn media_type(&self) -> MediaType {
        self.media_type.clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { self.descriptor.get_or_try_init(|| self.describe()).await.cloned() })
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async {
            match self.known_diff_id().await? {
                Some(diff_id) => Ok(diff_id),
                None => Ok(self.descriptor().await?.digest().clone()),
            }
        })
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async {
            let stream = self.source.open().await?;
            match (self.descriptor.get(), self.known_diff_id().await?) {
                (Some(descriptor), _) => stream.verified(descriptor),
                (None, Some(diff_id)) => stream.verified_digest(&diff_id),
                (None, None) => Ok(stream),
            }
        })
    }

    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.compressed()
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.source.mount_source()
    }
}
