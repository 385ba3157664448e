//! Writing archives.

mod docker;
mod legacy;
mod oci;
mod options;
mod parts;
mod save;

pub use options::{Format, WriteOptions};
pub use save::{calculate_size, write, write_file};
