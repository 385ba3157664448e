//! Images from images: append layers, edit the config, add annotations.
//!
//! Each function takes an image and gives a [`MutatedImage`], which is one too. Nothing is read or
//! computed before it is needed, so layers that know their digest only when they have been read can be
//! appended as well.
//!
//! What is not changed stays as it is, byte for byte: an annotation changes no config, and with it no
//! image ID; `subject`, annotations and fields that nobody here knows are carried along; the media type
//! of the manifest is the base's. See [`Document::edit`](wharf_v1::Document::edit).
//!
//! ```
//! use std::sync::Arc;
//! use wharf_mutate::{Addendum, annotate, append_layers, edit_config};
//! use wharf_v1::oci_spec::image::MediaType;
//! use wharf_v1::partial::StaticLayer;
//! use wharf_v1::{Image as _, empty};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), wharf_v1::Error> {
//! let layer = StaticLayer::new("any content", MediaType::ImageLayer);
//! let image = append_layers(Arc::new(empty::oci_image()), [Addendum::new(Arc::new(layer))]);
//! let image = edit_config(Arc::new(image), |config| {
//!     config.set_author(Some("dave".to_owned()));
//! });
//! let image = annotate(Arc::new(image), [("org.opencontainers.image.title", "an example")]);
//! assert_eq!(image.layers().await?.len(), 1);
//! assert_eq!(image.config().await?.view()?.author().as_deref(), Some("dave"));
//! # Ok(())
//! # }
//! ```
//!
//! Ancestors in Go: `mutate.Append`, `mutate.ConfigFile`, `mutate.Annotations`.
//!
//! # Features
//! None.

mod annotations;
mod append;
mod config;
mod image;
mod index;
mod layer;

pub use annotations::{annotate, annotate_index};
pub use append::{Addendum, append_layers};
pub use config::edit_config;
pub use image::MutatedImage;
pub use index::MutatedIndex;
