//! Layers made of a descriptor and a way to open its bytes.

use std::fmt::Debug;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::sync::OnceCell;

use crate::{ByteStream, DecompressLimits, Error, Hasher, Layer, MountSource};

/// Opens a blob, as often as asked.
///
/// # Contract
/// Every call gives the same bytes from their beginning. They need not be verified: [`BlobLayer`] does
/// that.
pub trait BlobSource: Debug + Send + Sync + 'static {
    /// Opens the bytes as stored.
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>>;

    /// The digest of the uncompressed bytes, if the source knows it without reading them: from an image's
    /// config, say. By default it does not.
    fn diff_id(&self) -> BoxFuture<'_, Result<Option<Digest>, Error>> {
        Box::pin(async { Ok(None) })
    }

    /// The repository that has this blob, from which a registry may be asked to mount it.
    fn mount_source(&self) -> Option<MountSource> {
        None
    }
}

/// A layer that is stored somewhere: what a manifest says of it, and a [`BlobSource`].
///
/// Streams are verified against the descriptor. A diff_id that neither [`with_diff_id`](Self::with_diff_id)
/// gave nor the source knows is computed when it is first asked for, by reading and decompressing the
/// whole blob, and remembered.
#[derive(Debug)]
pub struct BlobLayer<S> {
    descriptor: Descriptor,
    source: S,
    diff_id: OnceCell<Digest>,
    limits: DecompressLimits,
}

impl<S: BlobSource> BlobLayer<S> {
    /// A layer of the bytes that `source` opens and `descriptor` describes.
    pub fn new(descriptor: Descriptor, source: S) -> Self {
        Self {
            descriptor,
            source,
            diff_id: OnceCell::new(),
            limits: DecompressLimits::default(),
        }
    }

    /// The layer with a diff_id that is known, from an image's config.
    #[must_use]
    pub fn with_diff_id(mut self, diff_id: Digest) -> Self {
        self.diff_id = OnceCell::new_with(Some(diff_id));
        self
    }

    /// The layer with limits on how far it may swell when it is decompressed, also for its diff_id.
    /// Default: those of [`DecompressLimits`].
    ///
    /// Beyond them [`uncompressed`](Layer::uncompressed) and, where it is not known,
    /// [`diff_id`](Layer::diff_id) fail with [`Error::TooLarge`] or [`Error::Swells`].
    #[must_use]
    pub fn with_limits(mut self, limits: DecompressLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Where the bytes come from.
    pub fn source(&self) -> &S {
        &self.source
    }
}

impl<S: BlobSource> Layer for BlobLayer<S> {
    fn media_type(&self) -> MediaType {
        self.descriptor.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.descriptor.clone()) })
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async {
            let find = || async {
                if let Some(known) = self.source.diff_id().await? {
                    return Ok(known);
                }
                let content = self.uncompressed().await?;
                Ok(content.measure(Hasher::sha256()).await?.digest)
            };
            self.diff_id.get_or_try_init(find).await.cloned()
        })
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { self.source.open().await?.verified(&self.descriptor) })
    }

    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(self.compressed().await?.decompressed_within(self.limits)) })
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.source.mount_source()
    }
}
