//! Reading archives.

mod archive;
mod image;
mod options;

pub use archive::Archive;
pub use options::ReadOptions;
