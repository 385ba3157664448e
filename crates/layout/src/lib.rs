//! OCI image layouts: read and write, atomically.
//!
//! A [layout] is a directory that holds images as a registry would: every blob in a file named after
//! its digest, and an `index.json` that lists what there is. It is what `crane pull --format oci`
//! writes and what skopeo, podman and buildkit exchange.
//!
//! - **Nothing is taken on trust.** What is read is hashed on the way and fails if it is not what the
//!   descriptor promised. The path of a blob is only ever made from a parsed digest, and a blob that
//!   is a symlink is refused.
//! - **Nothing is left half done.** A blob appears under its name when it is complete, hashed and
//!   synced; `index.json` is replaced in one rename, as the last step. A failed or cancelled append
//!   leaves the layout as it was, and if it made the directory, takes that away again.
//! - **Nothing is stored twice.** Blobs that are present with their right size are not even opened;
//!   those with a wrong size are repaired.
//!
//! Besides appending, [`Layout`] replaces and removes entries, several at once in a [`Transaction`];
//! [`FindExt`] finds them; [`Layout::verify`] reads everything and tells what is damaged, and
//! [`Layout::collect_garbage`] removes what nothing needs. Several processes may do all of that at once.
//!
//! ```
//! use wharf_layout::{AppendOptions, Layout};
//! use wharf_v1::{Child, IndexExt as _, ImageExt as _, empty};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("images");
//! let layout = Layout::create(&path).await?;
//! let options = AppendOptions::new().with_ref_name("hello:latest");
//! let descriptor = layout.append_image(&empty::image(), &options).await?;
//!
//! let index = Layout::open(&path).await?.index().await?;
//! let Child::Image(image) = index.child_by_digest(descriptor.digest()).await? else { panic!() };
//! assert_eq!(image.digest().await?, *descriptor.digest());
//! # Ok(())
//! # }
//! ```
//!
//! A layout in a single tar file is a [`LayoutArchive`], read where it lies; [`ArchiveBuilder`] writes one.
//!
//! # Features
//!
//! Layers are decompressed with what `wharf-v1` was built with.
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `gzip` | reading archives that are compressed with gzip as a whole | no |
//! | `zstd` | reading archives that are compressed with zstd as a whole (links the C library) | no |
//!
//! [layout]: https://github.com/opencontainers/image-spec/blob/main/image-layout.md

mod append;
mod archive;
mod blobs;
mod collect;
mod content;
mod digest;
mod draft;
mod edit;
mod error;
mod file;
mod find;
mod image;
mod index;
mod index_file;
mod layer;
mod layout;
mod lock;
mod marker;
mod options;
mod reach;
mod sink;
mod store;
mod transaction;
mod verify;

pub use archive::{ArchiveBuilder, LayoutArchive};
pub use collect::{CollectMode, Collected};
pub use error::Error;
pub use find::FindExt;
pub use layout::Layout;
pub use options::{AppendOptions, PresentCheck};
pub use transaction::Transaction;
pub use verify::{Damage, Verified};
pub use wharf_archive::Error as ArchiveError;
