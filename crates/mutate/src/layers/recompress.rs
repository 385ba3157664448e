//! Storing layers in another way.

use std::sync::Arc;

use oci_spec::image::MediaType;
use wharf_layer::{Compression, LayerBuilder};
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Image, Layer, Matcher};

use super::{codec_of, rebuilt, successor};
use crate::{Error, MutatedImage};

/// The image with all layers stored with this compression. Those that are already, at whatever level,
/// stay as they are; see [`recompress_layers`] for the rest.
///
/// # Errors
/// As [`recompress_layers`].
pub async fn recompress(base: Arc<dyn Image>, compression: Compression) -> Result<MutatedImage, Error> {
    let mut layers = base.layers().await?;
    for layer in &mut layers {
        // Asked first, since a layer that is read once must not be opened in vain.
        let listed = layer.descriptor().await?;
        if may_be(listed.media_type()) && codec_of(&**layer).await? != compression.codec() {
            *layer = recompressed(layer, compression).await?;
        }
    }
    rebuilt(base, layers, |_| {}).await
}

/// The image with those layers compressed anew whose descriptors match.
///
/// Each is read once, verified, and written to a temporary file. Its diff_id stays, and with that the
/// config; its media type stays in its family. The manifest says of it what it said before, but for
/// `urls` and for what describes compressed bytes, such as the table of contents of an eStargz layer.
/// Content that is no layer, and layers that must not be uploaded, stay as they are.
///
/// ```
/// use std::sync::Arc;
/// use wharf_layer::Compression;
/// use wharf_mutate::recompress_layers;
/// use wharf_v1::{Image as _, Matcher, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_mutate::Error> {
/// # if cfg!(feature = "gzip") {
/// let base = random::image(1, 2, 1000);
/// let image = recompress_layers(Arc::new(base.clone()), Compression::gzip(), &Matcher::any()).await?;
/// assert_eq!(image.config().await?.digest(), base.config().await?.digest());
/// # }
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Error::Layer`] when a layer is damaged or cannot be written, or the build lacks a codec;
/// [`Error::Content`] when the image cannot be read, or a layer has another diff_id than its config says.
pub async fn recompress_layers(
    base: Arc<dyn Image>,
    compression: Compression,
    picked: &Matcher,
) -> Result<MutatedImage, Error> {
    let mut layers = base.layers().await?;
    for layer in &mut layers {
        let listed = layer.descriptor().await?;
        if may_be(listed.media_type()) && picked.matches(&listed) {
            *layer = recompressed(layer, compression).await?;
        }
    }
    rebuilt(base, layers, |_| {}).await
}

fn may_be(media_type: &MediaType) -> bool {
    media_type.is_layer() && media_type.is_distributable()
}

async fn recompressed(layer: &Arc<dyn Layer>, compression: Compression) -> Result<Arc<dyn Layer>, Error> {
    let builder = LayerBuilder::from_layer(Arc::clone(layer)).recompress(compression);
    let (new, built) = successor(layer, builder.allow_any_content(), Some(compression.codec())).await?;
    let (got, want) = (built.as_diff_id(), layer.diff_id().await?);
    // Of other algorithms nothing can be said without reading it again.
    if got.algorithm() == want.algorithm() && *got != want {
        return Err(Error::Content(wharf_v1::Error::DigestMismatch {
            got: got.clone(),
            want,
            read: layer.descriptor().await?.size(),
        }));
    }
    Ok(new)
}
