//! Layers on top of an image.

use std::path::Path;
use std::sync::Arc;

use tokio::io::AsyncRead;
use wharf::layer::{Family, LayerBuilder};
use wharf::mutate::{Addendum, MutatedImage, append_layers};
use wharf::name::Reference;
use wharf::tarball::{self, TaggedImage, WriteOptions};
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::oci_spec::image::Os;
use wharf::v1::{Image, Layer};

use crate::Error;

/// Where the content of a layer comes from.
#[non_exhaustive]
pub enum LayerSource<'a> {
    /// A tar archive, plain or compressed with gzip or zstd, or a directory.
    Path(&'a Path),
    /// A tar archive, plain or compressed with gzip or zstd, that is read once.
    Reader(Box<dyn AsyncRead + Send + Unpin>),
}

impl std::fmt::Debug for LayerSource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Reader(_) => f.write_str("Reader"),
        }
    }
}

/// The image with a layer on top of it for each source, in order (Go: `crane.Append`).
///
/// Content that is compressed already stays as it is, other content is compressed with gzip. The layers
/// get media types of the base's family, and for a base of Windows the form that Windows wants. They lie in temporary files as long as the image is there.
///
/// # Errors
/// [`Error::Append`] when a source cannot be read or is no tar archive, [`Error::Content`] when the base cannot be read.
pub async fn append(
    base: Arc<dyn Image>,
    sources: impl IntoIterator<Item = LayerSource<'_>>,
) -> Result<MutatedImage, Error> {
    let family = Family::of(&base.media_type());
    let layers = built(sources, family, is_windows(&*base).await?).await?;
    Ok(append_layers(base, layers.into_iter().map(Addendum::new)))
}

/// Whether layers for this image have to be in the form of Windows.
pub(crate) async fn is_windows(image: &dyn Image) -> Result<bool, Error> {
    let config_type = image.manifest().await?.view()?.config().media_type().clone();
    Ok(config_type.is_config() && *image.config().await?.view()?.os() == Os::Windows)
}

/// A layer for each source, compressed with gzip where the source is not compressed.
pub(crate) async fn built(
    sources: impl IntoIterator<Item = LayerSource<'_>>,
    family: Family,
    windows: bool,
) -> Result<Vec<Arc<dyn Layer>>, Error> {
    let mut layers = Vec::new();
    for source in sources {
        let (name, mut builder) = match source {
            LayerSource::Path(path) if path.is_dir() => {
                (path.display().to_string(), LayerBuilder::from_directory(path))
            }
            LayerSource::Path(path) => (path.display().to_string(), LayerBuilder::from_tar_file(path)),
            LayerSource::Reader(reader) => ("-".to_owned(), LayerBuilder::from_reader(reader)),
        };
        if windows {
            builder = builder.for_windows();
        }
        let layer = builder.family(family).build().await;
        let layer = layer.map_err(|source| Error::Append {
            layer: name,
            source: Box::new(source),
        })?;
        layers.push(Arc::new(layer) as Arc<dyn Layer>);
    }
    Ok(layers)
}

/// Writes an image to a file as `docker save` would, under the name of `reference` (Go: `crane.Save`).
///
/// # Errors
/// [`Error::Save`] when the image cannot be read or the file not be written. Nothing is left then.
pub async fn save(image: Arc<dyn Image>, reference: &Reference, path: &Path) -> Result<(), Error> {
    let images = [TaggedImage::new(image).with_reference(reference)];
    let written = tarball::write_file(&images, path, &WriteOptions::new()).await;
    written
        .map(drop)
        .map_err(|error| Error::save("tarball", path, error))
}
