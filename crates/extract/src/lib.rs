//! The filesystem of a container image: as one tar stream, or in a directory.
//!
//! [`extract`] merges the layers of an image into one archive; [`unpack`] writes it to a directory.
//! [`squash`] merges some layers into one changeset.
//!
//! # Features
//! None.

mod archive;
mod error;
mod extract;
mod merge;
mod options;
mod squash;
#[cfg(target_os = "linux")]
mod unpack;

pub use error::Error;
pub use extract::extract;
pub use options::ExtractOptions;
pub use squash::squash;
#[cfg(target_os = "linux")]
pub use unpack::{Privileges, Skipped, SkippedPart, UnpackOptions, Unpacked, unpack};
