//! The filesystem of a container image: as one tar stream, or in a directory.
//!
//! [`extract`] merges the layers of an image into one archive; `unpack` writes it to a directory, on Linux only:
//! elsewhere it is not there, and the archive can be given to any tar program.
//! [`files()`] lists what is in it, and [`read`] reads one file, without writing anything.
//! [`squash`] merges some layers into one changeset.
//!
//! # Features
//! None.

mod archive;
mod error;
mod extract;
mod files;
mod merge;
mod options;
mod squash;
#[cfg(target_os = "linux")]
mod unpack;
mod walk;

pub use error::Error;
pub use extract::extract;
pub use files::{FileEntry, FileKind, Files, FilesOptions, files, read};
pub use options::{ExtractOptions, Replaced};
pub use squash::squash;
#[cfg(target_os = "linux")]
pub use unpack::{Privileges, Skipped, SkippedPart, UnpackOptions, Unpacked, unpack};
