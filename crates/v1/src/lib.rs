//! OCI content: documents, layers, images and indexes, and the traits that link them.
//!
//! Whatever has images (a registry, a layout, an archive, a build in memory) offers them as an
//! [`Image`], an [`Index`] and their [`Layer`]s, and whatever takes images takes those. So each source
//! works with each destination.
//!
//! ```
//! use wharf_v1::{Config, Image as _, ImageExt as _, Layer as _, random};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
//! let image = random::image(1, 2, 1000);
//! println!("{}", image.digest().await?);
//!
//! // A document is its bytes, with a typed view of them.
//! let config: Config = image.config().await?;
//! assert_eq!(config.view()?.rootfs().diff_ids().len(), 2);
//!
//! // An edit makes a new document and loses nothing.
//! let edited = config.edit(|config| {
//!     config.set_author(Some("dave".to_owned()));
//! })?;
//! assert_ne!(edited.digest(), config.digest());
//!
//! // Content comes as a stream, verified and in memory that does not depend on its size.
//! for layer in image.layers().await? {
//!     let tar = layer.uncompressed().await?.collect(1 << 20).await?;
//!     assert_eq!(wharf_v1::sha256(&tar), layer.diff_id().await?);
//! }
//! # Ok(()) }
//! ```
//!
//! # Parts
//! - [`Image`], [`Index`], [`Layer`]: the traits, with [`ImageExt`] and [`IndexExt`] for callers.
//! - [`Document`] ([`Manifest`], [`IndexManifest`], [`Config`]): exact bytes and a typed view, lossless
//!   edits, canonical JSON.
//! - [`ByteStream`]: content as it comes; verified, hashed, decompressed, as a reader.
//! - [`parse_digest`], [`Hasher`], [`media_type`], [`PlatformSpec`], [`parse_descriptor`]: the small
//!   things, on the types of [`oci_spec`], so that nobody needs conversions.
//! - [`walk`], [`Matcher`]: what an index leads to, and choosing among it.
//! - [`validate`]: whether content is what it says it is; [`compare`]: what two differ in.
//! - [`partial`]: parts to make images, indexes and layers of; [`empty`] and [`random`] ones.
#![cfg_attr(
    feature = "conformance",
    doc = "- [`conformance`]: what every implementation of the traits must do, as tests."
)]
//!
//! # Features
//!
//! | Feature | Default | Adds |
//! |---|---|---|
//! | `gzip` | no | reading gzip-compressed content (pure Rust, zlib-rs) |
//! | `zstd` | no | reading zstd-compressed content (links the C library) |
//! | `conformance` | no | the conformance suites of the traits; not covered by semantic versioning |

mod blocking;
pub mod compare;
#[cfg(feature = "conformance")]
pub mod conformance;
mod digest;
mod document;
pub mod empty;
mod error;
mod image;
mod index;
mod layer;
mod matcher;
pub mod media_type;
mod one_line;
pub mod partial;
mod platform;
pub mod random;
mod select;
mod stream;
pub mod tar_format;
pub mod validate;
mod walk;

pub use blocking::blocking;
pub use digest::{Hasher, parse_digest, sha256};
pub use document::{
    Config, DescriptorExt, Document, DocumentKind, IndexManifest, Manifest, View, parse_descriptor,
};
pub use error::Error;
pub use image::{Image, ImageExt};
pub use index::{Child, Index, IndexExt};
pub use layer::{Layer, MountSource};
pub use matcher::{Matcher, REF_NAME};
pub use oci_spec;
pub use platform::{Fit, ParsePlatformError, PlatformSpec};
pub use stream::{BlockingReader, ByteStream, Codec, DecompressLimits, Measure, Measured};
pub use walk::{Visit, WalkOptions, walk};
