//! Images in single tar files: where everything in one is, and writing one.
//!
//! What the formats have in common: docker's archives (`wharf-tarball`) and OCI layouts in a file
//! (`wharf-layout`) are tars whose files are documents and blobs.
//!
//! - [`TarIndex`] reads the headers of an archive once. Everything else is read where it lies, several
//!   files at a time if need be. One that is compressed as a whole is unpacked into a temporary file.
//! - [`Plan`] says what an archive is to hold: the place of every file is known before the first blob is
//!   opened. [`write()`] makes it from front to back, [`write_file`] in place, whole or not at all; the
//!   same entries make the same bytes.
//!
//! ```
//! use wharf_archive::{Entry, Plan, TarIndex, WriteOptions, unpacked_limits, write_file};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let path = dir.path().join("archive.tar");
//! let plan = Plan::new([Entry::bytes("hello", "world")]);
//! write_file(plan, &path, &WriteOptions::default()).await?;
//! let index = TarIndex::open(&path, unpacked_limits()).await?;
//! assert_eq!(index.read("./hello", 100).await?, "world");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `gzip` | reading archives that are compressed with gzip as a whole | no |
//! | `zstd` | reading archives that are compressed with zstd as a whole (links the C library) | no |

mod blocking;
mod error;
mod options;
mod plan;
mod sized;
mod tar_index;
mod unpack;
mod write_file;
mod write_stream;

pub use error::Error;
pub use options::WriteOptions;
pub use plan::{Entry, Form, Plan};
pub use tar_index::TarIndex;
pub use unpack::{UNPACKED_LIMIT, unpacked_limits};
pub use write_file::write_file;
pub use write_stream::write;
