//! Layouts in a single tar file.

mod read;
mod write;

pub use read::LayoutArchive;
pub use write::ArchiveBuilder;
pub(crate) use write::blob_name;
