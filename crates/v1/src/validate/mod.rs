//! Checking that content is what it says it is.
//!
//! [`image`], [`index`] and [`layer`] hold content against every promise that is made about it: each
//! digest, diff_id and size, media types, what a config and a manifest say of each other, what an index
//! says of its children, inlined data, and that layers are whole archives without a name twice. The result
//! is a [`Report`] with all [`Finding`]s, not the first.
//!
//! ```
//! use wharf_v1::media_type::Family;
//! use wharf_v1::oci_spec::image::MediaType;
//! use wharf_v1::partial::{ImageBuilder, StaticLayer};
//! use wharf_v1::validate::{self, Check, ValidateOptions};
//! use wharf_v1::random;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
//! let options = ValidateOptions::default();
//! assert!(validate::image(&random::image(1, 3, 1000), &options).await.is_valid());
//!
//! let layer = StaticLayer::new(vec![b'x'; 600], MediaType::ImageLayer);
//! let image = ImageBuilder::new(Family::Oci).layer(layer).build().await?;
//! let report = validate::image(&image, &options).await;
//! assert_eq!(report.findings()[0].check, Check::Tar);
//! # Ok(()) }
//! ```
//!
//! A layer is opened and decoded once: its digest, size, diff_id and archive are checked in one pass, on a
//! thread for blocking work, several layers at a time. That holds for the whole of a run: content of one
//! digest and size that was found to be what it should be is not read again for another image that lists
//! it. What [`uncompressed`](crate::Layer::uncompressed) gives is held against that only
//! [if asked for](ValidateOptions::both_forms), since it decodes the layer again; the conformance suite
//! does so for each implementation. Layers have to be reopenable: one that was not consumed yet is
//! reported as not readable.

mod archive;
mod context;
mod descriptor;
mod document;
mod image;
mod index;
mod layer;
mod options;
mod platform;
mod reading;
mod report;

pub use options::ValidateOptions;
pub use report::{Check, Finding, Place, Report, Severity, Step};

use self::context::Context;
use self::report::Notes;
use crate::{Image, Index, Layer};

/// Checks a layer. Go: `validate.Layer`.
///
/// It is to be polled in a tokio runtime.
pub async fn layer(layer: &dyn Layer, options: &ValidateOptions) -> Report {
    let mut notes = Notes::default();
    layer::check(&Context::new(options), layer, None, &mut notes).await;
    notes.into()
}

/// Checks an image or artifact, its config and its layers. Go: `validate.Image`.
///
/// It is to be polled in a tokio runtime.
pub async fn image(image: &dyn Image, options: &ValidateOptions) -> Report {
    let mut notes = Notes::default();
    image::check(&Context::new(options), image, &mut notes).await;
    notes.into()
}

/// Checks an index, and all that it leads to. Go: `validate.Index`.
///
/// It is to be polled in a tokio runtime.
pub async fn index(index: &dyn Index, options: &ValidateOptions) -> Report {
    let mut notes = Notes::default();
    index::check(&Context::new(options), index, 1, &mut notes).await;
    notes.into()
}

#[cfg(test)]
mod tests;
