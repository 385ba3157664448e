//! Images from images: append layers, edit the config, add annotations, change the base; the same for
//! indexes.
//!
//! Each function takes an image and gives a [`MutatedImage`], which is one too. What edits documents
//! computes nothing before it is needed, so layers that know their digest only when they have been read can
//! be appended as well. What reads layers or compares images is `async` and done when it returns; new layers
//! lie in temporary files as long as the image is there.
//!
//! What is not changed stays as it is, byte for byte: an annotation changes no config, and with it no
//! image ID; `subject`, annotations and fields that nobody here knows are carried along; media types
//! stay in the base's family. See [`Document::edit`](wharf_v1::Document::edit).
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
//! # Parts
//! - Layers: [`append_layers`], [`remove_layers`], [`squash_layers`], [`recompress`], [`flatten`], [`set_time`], and other bases with [`rebase`].
//! - The config: [`edit_config`] with [`ConfigEdits`] or edits of your own, [`set_config`].
//! - The manifest: [`annotate`], [`set_subject`], [`set_artifact_type`], and all media types with
//!   [`convert`].
//! - Indexes: [`append_children`], [`remove_children`], [`keep_children`], [`filter_platforms`], [`edit_children`] and
//!   [`annotate_children`] for what the index says, [`replace_child`] and [`edit_images`] for what it lists.
//! - What is in an image: [`export`].
//! - Documents of other kinds: [`annotate_document`], [`set_subject_of_document`].
//!
//! # Coming from Go
//!
//! | `pkg/v1/mutate` | here | what differs |
//! |---|---|---|
//! | `Append`, `AppendLayers`, `Addendum` | [`append_layers`], [`Addendum`] | |
//! | `Config`, `ConfigFile`, `CreatedAt` | [`edit_config`], [`ConfigEdits`], [`set_config`] | fields that the type does not have stay |
//! | `MediaType`, `ConfigMediaType`, `IndexMediaType` | [`convert`], [`convert_index`] | one operation, for layers and children too |
//! | `Annotations` | [`annotate`], [`annotate_index`], [`annotate_children`], [`annotate_document`] | the config keeps its bytes; documents may have annotations already |
//! | `Subject` | [`set_subject`], [`set_subject_of_index`], [`set_subject_of_document`] | later edits keep it |
//! | `AppendManifests`, `IndexAddendum` | [`append_children`], [`IndexAddendum`] | digest and size are always the child's; the platform is read from the config |
//! | `RemoveManifests` | [`remove_children`], [`keep_children`], [`filter_platforms`] | an empty list is `[]` |
//! | `Extract` | `wharf_extract::extract`, [`export`] | correct for hard links, whiteouts of the same layer, links that lead out |
//! | `Rebase` | [`rebase`] | layers go by their places, so none is lost; media types, variant, annotations and subject stay |
//! | `Time`, `Canonical` | [`set_time`], [`canonical`] | layers stream by, keep compression and media types, and are never dropped; platform, annotations and subject stay |
//! | none | [`remove_annotations`], [`set_artifact_type`], [`remove_layers`], [`squash_layers`], [`recompress`], [`edit_children`], [`edit_images`], [`replace_child`] | |
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `gzip` | compressing layers with gzip and reading what is (pure Rust, zlib-rs) | no |
//! | `zstd` | compressing layers with zstd and reading what is (links the C library) | no |

mod annotations;
mod append;
mod change;
mod config;
mod convert;
mod error;
mod export;
mod flatten;
mod history;
mod image;
mod index;
mod layers;
mod members;
mod opaque;
mod platform;
mod rebase;
mod subject;
mod time;

pub use annotations::{
    annotate, annotate_children, annotate_index, remove_annotations, remove_annotations_of_index,
};
pub use append::{Addendum, append_layers};
pub use config::{ConfigEdits, edit_config, set_config};
pub use convert::{convert, convert_index};
pub use error::Error;
pub use export::export;
pub use flatten::{FlattenOptions, flatten, flatten_index};
pub use image::MutatedImage;
pub use index::{
    IndexAddendum, MutatedIndex, append_children, edit_children, edit_images, filter_platforms,
    keep_children, remove_children, replace_child,
};
pub use layers::{recompress, recompress_layers, remove_layers, remove_layers_by_digest, squash_layers};
pub use opaque::{annotate_document, set_subject_of_document};
pub use rebase::{RebaseOptions, rebase};
pub use subject::{set_artifact_type, set_artifact_type_of_index, set_subject, set_subject_of_index};
pub use time::{TimeOptions, canonical, set_time};
