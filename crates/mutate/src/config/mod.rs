//! Editing the config.

mod edits;
mod fields;

use std::sync::Arc;

use oci_spec::image::ImageConfiguration;
use wharf_v1::Image;

use crate::MutatedImage;
use crate::change::Change;

pub use edits::ConfigEdits;

/// The image with a changed config. [`ConfigEdits`] are the edits that people mostly ask for.
///
/// `edit` is called when the config is first needed, and again if that fails. What it does not change
/// stays as it is, fields that the type does not have among it; if it changes nothing, the image keeps
/// its digest. The layers stay, so the list of diff_ids has to.
///
/// When the config is none of an image, asking for manifest or config is
/// [`Error::UnexpectedMediaType`](wharf_v1::Error::UnexpectedMediaType).
///
/// Ancestors in Go: `mutate.Config`, `mutate.ConfigFile`, `mutate.CreatedAt`.
pub fn edit_config(
    base: Arc<dyn Image>,
    edit: impl Fn(&mut ImageConfiguration) + Send + Sync + 'static,
) -> MutatedImage {
    MutatedImage::new(base, Change::Config(Box::new(edit)))
}
