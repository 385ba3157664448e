//! Writing archives.

mod file;
mod layer;
mod options;
mod plan;
mod stream;

pub use file::write_file;
pub use options::WriteOptions;
pub use stream::write;
