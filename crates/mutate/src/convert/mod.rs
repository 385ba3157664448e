//! From Docker's media types to OCI's, and back.

mod counterparts;

use std::sync::Arc;

use futures_core::future::BoxFuture;
use wharf_layer::Family;
use wharf_v1::{Image, Index};

use crate::change::Change;
use crate::index::Edit;
use crate::{Error, MutatedImage, MutatedIndex};

pub(crate) use counterparts::Counterparts;

/// The image with all media types in one family: of the manifest, of its config and of its layers.
///
/// All else stays: the config keeps its bytes and so its digest, layers keep theirs, annotations,
/// `subject` and fields that nobody here knows are carried along. An image that is of that family
/// already keeps its digest.
///
/// zstd layers get the name that Docker's own engine has for them, and layers that must not be uploaded
/// become foreign ones. An OCI manifest may name configs and layers of any type, so those stay; Docker's
/// may not.
///
/// Asking for documents or layers gives [`Error::NoCounterpart`], inside of a [`wharf_v1::Error`], when
/// something has none.
///
/// Go's `mutate.MediaType` and `mutate.ConfigMediaType` change one field each and leave the rest as it is.
///
/// ```
/// use std::sync::Arc;
/// use wharf_layer::Family;
/// use wharf_mutate::convert;
/// use wharf_v1::{Image as _, empty};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let image = convert(Arc::new(empty::image()), Family::Oci);
/// assert_eq!(image.manifest().await?.raw(), empty::oci_image().manifest().await?.raw());
/// # Ok(()) }
/// ```
pub fn convert(base: Arc<dyn Image>, family: Family) -> MutatedImage {
    MutatedImage::new(base, Change::Family(family))
}

/// The index with all media types in one family: its own, and those of all its images, also in nested
/// indexes, as [`convert`] does it. What refers to a child by its digest follows, see
/// [`edit_images`](crate::edit_images).
///
/// # Errors
/// [`Error::NoCounterpart`] when something has none in Docker, as attestations have: remove such
/// children first. [`Error::Content`] when a child cannot be read, [`Error::TooDeep`].
pub async fn convert_index(base: Arc<dyn Index>, family: Family) -> Result<MutatedIndex, Error> {
    let image = move |_, image| -> BoxFuture<'_, Result<Arc<dyn Image>, Error>> {
        Box::pin(async move { Ok(Arc::new(convert(image, family)) as Arc<dyn Image>) })
    };
    let edit = Edit {
        image: &image,
        artifacts: true,
        family: Some(family),
    };
    edit.apply(base).await
}
