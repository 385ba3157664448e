//! What an image, or an artifact, is when it is taken out of its layers.

use std::sync::Arc;

use wharf_extract::{ExtractOptions, extract};
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{ByteStream, Image};

use crate::Error;

/// The content of an image: its filesystem as a tar stream, or, where its only layer is none by its media
/// type, as in artifacts, the bytes of that as they are stored.
///
/// ```
/// use std::sync::Arc;
/// use wharf_extract::ExtractOptions;
/// use wharf_mutate::{Addendum, append_layers, export};
/// use wharf_v1::{empty, oci_spec::image::MediaType, partial::StaticLayer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let note = StaticLayer::new("a note", MediaType::from("text/plain"));
/// let artifact = append_layers(Arc::new(empty::oci_image()), [Addendum::new(Arc::new(note))]);
/// let content = export(Arc::new(artifact), &ExtractOptions::new()).await?;
/// assert_eq!(content.collect(1024).await?, "a note");
/// # Ok(()) }
/// ```
///
/// Ancestor in Go: `crane.Export`.
///
/// # Errors
/// [`Error::Content`] when the image cannot be read. The stream fails as that of [`extract`] does.
pub async fn export(image: Arc<dyn Image>, options: &ExtractOptions) -> Result<ByteStream, Error> {
    if let [only] = &image.layers().await?[..]
        && !only.media_type().is_layer()
    {
        return Ok(only.compressed().await?);
    }
    Ok(extract(image, options))
}
