//! Layers made here: from tar files, streams and directories, in one pass.
//!
//! [`LayerBuilder`] turns a tar file, anything that can be read, a directory or a few files in memory
//! into a [`SpooledLayer`]: a [`Layer`](wharf_v1::Layer) whose digest, diff_id and size are known and
//! whose bytes are ready to be pushed. The content is read once and compressed once, on a thread for
//! blocking work; memory does not grow with its size.
//!
//! ```
//! use wharf_layer::LayerBuilder;
//! use wharf_v1::Layer as _;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), wharf_layer::Error> {
//! # if cfg!(feature = "gzip") {
//! let layer = LayerBuilder::from_files([("/hello", "world")]).build().await?;
//! assert_eq!(layer.media_type().to_string(), "application/vnd.oci.image.layer.v1.tar+gzip");
//! assert_eq!(
//!     layer.as_diff_id().to_string(),
//!     "sha256:7f3603056e5dd1f894b30c45b8121d680ac0fe8dc82c951e1183324f7c9b2096"
//! );
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # Parts
//! - [`LayerBuilder`]: what a layer is made from, and how.
//! - [`StreamLayer`]: a layer that is made while it is read, and keeps nothing.
//! - [`Compression`], [`Family`]: how it is stored, and by whose media type it goes.
//! - [`header`]: tar headers as other tools write them, byte for byte.
//! - [`FileRange`]: a part of a file as a reader, for layers that lie inside of an archive.
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `gzip` | compressing with gzip and reading what is (pure Rust, zlib-rs) | no |
//! | `zstd` | compressing with zstd and reading what is (links the C library) | no |

mod builder;
mod compression;
mod encoder;
mod error;
mod feed;
mod file_range;
mod files;
#[cfg(feature = "gzip")]
mod gzip;
pub mod header;
mod media_type;
mod pass;
mod rewrite;
mod spooled;
mod stop;
mod stream;
mod tree;
mod xattrs;

pub use builder::LayerBuilder;
pub use compression::Compression;
pub use error::Error;
pub use file_range::FileRange;
pub use spooled::SpooledLayer;
pub use stream::{StreamLayer, StreamState};
pub use wharf_v1::media_type::Family;
