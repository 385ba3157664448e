//! The trait of images.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};

use crate::partial::StaticLayer;
use crate::{Config, Error, Layer, Manifest, MountSource};

/// One image or artifact: a manifest, its config and its layers.
///
/// # Contract
/// - [`descriptor`](Self::descriptor) gives media type, digest and size of [`manifest`](Self::manifest);
///   where the image was reached through an index it may also carry what the index said of it
///   (platform, annotations, urls).
/// - The manifest's `config` describes the bytes of [`config`](Self::config).
/// - [`layers`](Self::layers) are ordered base first and aligned with the manifest's `layers`, one for
///   each occurrence, each with the descriptor that the manifest gives.
/// - Nothing that is returned changes the image when it is changed.
///
/// ```
/// use wharf_v1::{Image, random};
///
/// /// Bytes that a registry stores for the layers.
/// async fn stored_size(image: &dyn Image) -> Result<u64, wharf_v1::Error> {
///     let manifest = image.manifest().await?;
///     Ok(manifest.view()?.layers().iter().map(|layer| layer.size()).sum())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// assert!(stored_size(&random::image(1, 3, 1000)).await? > 3000);
/// # Ok(()) }
/// ```
pub trait Image: Debug + Send + Sync + 'static {
    /// The media type of the manifest. Known without I/O.
    fn media_type(&self) -> MediaType;

    /// Media type, digest and size of the manifest.
    ///
    /// [`Error::NotComputed`] while a layer is not consumed yet whose digest the manifest needs.
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>>;

    /// The manifest.
    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>>;

    /// The config. For an artifact its bytes need not be an image's config, nor JSON.
    fn config(&self) -> BoxFuture<'_, Result<Config, Error>>;

    /// The layers, base first.
    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>>;

    /// The repository that has this very image whole: manifest, config and layers. An image that was
    /// changed is no longer the one that a repository has.
    fn mount_source(&self) -> Option<MountSource> {
        None
    }
}

/// Conveniences for every [`Image`].
pub trait ImageExt: Image {
    /// The digest of the manifest.
    fn digest(&self) -> impl Future<Output = Result<Digest, Error>> + Send {
        async move { Ok(self.descriptor().await?.digest().clone()) }
    }

    /// What the artifact is for: the manifest's `artifactType` or, where that is missing, the media type of
    /// the config ([distribution-spec](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers)).
    ///
    /// So this is the config's media type for an image proper. Descriptors that wharf makes carry an
    /// artifact type only where it says something: not for images proper. Go's `partial.Descriptor` writes
    /// it for those too.
    fn artifact_type(&self) -> impl Future<Output = Result<MediaType, Error>> + Send {
        async move {
            let manifest = self.manifest().await?;
            let view = manifest.view()?;
            let own = view.artifact_type().clone();
            let own = own.filter(|artifact_type| !artifact_type.as_ref().is_empty());
            Ok(own.unwrap_or_else(|| view.config().media_type().clone()))
        }
    }

    /// What the manifest says of the blob with this digest: of the config, or else of the first such layer.
    ///
    /// [`Error::NotFound`] when it lists no such blob.
    fn blob_descriptor(&self, digest: &Digest) -> impl Future<Output = Result<Descriptor, Error>> + Send {
        async move {
            let manifest = self.manifest().await?;
            let view = manifest.view()?;
            let mut listed = std::iter::once(view.config()).chain(view.layers());
            let found = listed.find(|descriptor| descriptor.digest() == digest);
            found.cloned().ok_or_else(|| Error::NotFound {
                digest: digest.clone(),
            })
        }
    }

    /// The config as a layer, for what moves blobs without looking at them. It has the media type that the
    /// manifest gives; Go's `partial.ConfigLayer` always says OCI's.
    fn config_layer(&self) -> impl Future<Output = Result<StaticLayer, Error>> + Send {
        async move {
            let (manifest, config) = (self.manifest().await?, self.config().await?);
            let media_type = manifest.view()?.config().media_type().clone();
            Ok(StaticLayer::new(config.raw().clone(), media_type))
        }
    }

    /// The first layer whose digest as stored is `layer_digest`.
    fn layer_by_digest(
        &self,
        layer_digest: &Digest,
    ) -> impl Future<Output = Result<Arc<dyn Layer>, Error>> + Send {
        async move {
            for layer in self.layers().await? {
                if layer.descriptor().await?.digest() == layer_digest {
                    return Ok(layer);
                }
            }
            Err(Error::NotFound {
                digest: layer_digest.clone(),
            })
        }
    }

    /// The first layer whose uncompressed bytes have the digest `diff_id`.
    fn layer_by_diff_id(
        &self,
        diff_id: &Digest,
    ) -> impl Future<Output = Result<Arc<dyn Layer>, Error>> + Send {
        async move {
            for layer in self.layers().await? {
                if layer.diff_id().await? == *diff_id {
                    return Ok(layer);
                }
            }
            Err(Error::NotFound {
                digest: diff_id.clone(),
            })
        }
    }
}

impl<T: Image + ?Sized> ImageExt for T {}

#[deny(clippy::missing_trait_methods)]
impl<T: Image + ?Sized> Image for Arc<T> {
    fn media_type(&self) -> MediaType {
        (**self).media_type()
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        (**self).descriptor()
    }
    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>> {
        (**self).manifest()
    }
    fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
        (**self).config()
    }
    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
        (**self).layers()
    }
    fn mount_source(&self) -> Option<MountSource> {
        (**self).mount_source()
    }
}

const _: fn(&dyn Image) = |_| {};
