//! Archives in the format of `docker save`: what `docker load` and `podman load` read.
//!
//! - [`write()`] and [`write_file`] make an archive of [`TaggedImage`]s. The same images make the same
//!   bytes, and a file is there when it is complete, or not at all.
//!   [`Format`] is that of all engines, the one that is an OCI layout too, or that of the first ones.
//! - [`Archive`] reads one: its headers once, everything else where it lies. It may be compressed.
//!
//! ```
//! use std::sync::Arc;
//! use wharf_tarball::{Archive, TaggedImage, WriteOptions, write_file};
//! use wharf_v1::{ImageExt as _, empty};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("image.tar");
//! let image = TaggedImage::new(Arc::new(empty::image())).with_reference(&"hello:v1".parse()?);
//! write_file(&[image], &path, &WriteOptions::new()).await?;
//!
//! let archive = Archive::open(&path).await?;
//! let image = archive.image(Some(&"docker.io/library/hello:v1".parse()?)).await?;
//! assert_eq!(image.digest().await?, empty::image().digest().await?);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `gzip` | reading archives that are, or whose layers are, compressed with gzip; and those whose layers are not compressed at all: they are then | no |
//! | `zstd` | reading archives that are, or whose layers are, compressed with zstd (links the C library) | no |

mod error;
mod read;
mod record;
mod tagged_image;
mod write;

pub use error::Error;
pub use read::{Archive, ReadOptions};
pub use tagged_image::TaggedImage;
pub use wharf_archive::Error as ArchiveError;
pub use write::{Format, WriteOptions, calculate_size, write, write_file};
