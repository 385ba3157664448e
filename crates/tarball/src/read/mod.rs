//! Reading archives.

mod archive;
mod contents;
mod image;

pub use archive::Archive;
