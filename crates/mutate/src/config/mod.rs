//! Editing the config.

mod edits;
mod fields;

use std::sync::Arc;

use oci_spec::image::ImageConfiguration;
use wharf_v1::{Config, Image};

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

/// The image or artifact with another config, of whatever media type and content.
///
/// The config of an image has to list as many diff_ids as the manifest has layers; else asking for the
/// manifest is [`Error::LayerCount`](wharf_v1::Error::LayerCount). What the manifest says of its config
/// besides media type, digest and size stays.
///
/// ```
/// use std::sync::Arc;
/// use wharf_mutate::{set_artifact_type, set_config};
/// use wharf_v1::oci_spec::image::MediaType;
/// use wharf_v1::{Config, Image as _, empty};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let none = Config::new("{}", MediaType::EmptyJSON);
/// let artifact = set_config(Arc::new(empty::oci_image()), none);
/// let artifact = set_artifact_type(Arc::new(artifact), MediaType::from("application/vnd.example"));
/// assert_eq!(artifact.config().await?.raw(), "{}");
/// # Ok(()) }
/// ```
///
/// Ancestor in Go: `mutate.ConfigFile`, for images only.
pub fn set_config(base: Arc<dyn Image>, config: Config) -> MutatedImage {
    MutatedImage::new(base, Change::OtherConfig(config))
}
