//! Reading and writing tar entries.
//!
//! The `tar` crate reads the special entries of GNU and PAX, which only describe the next entry, into memory
//! whatever their size, takes records apart at line ends that belong to binary values, and does not know the
//! sparse files of PAX. A layer is foreign content, so its headers are read here, within limits.

mod encode;
mod header;
mod number;
mod pax;
mod reader;
mod sparse;

pub(crate) use encode::encode;
pub(crate) use header::{Header, Kind};
pub(crate) use reader::{Entry, Fault, TarReader};

/// Bytes in a tar block. Content is padded to whole blocks, and an archive ends with two zero blocks.
pub(crate) const BLOCK: usize = 512;

/// How many zero bytes follow content of `size` bytes.
pub(crate) fn padding(size: u64) -> usize {
    // Less than a block.
    (size.wrapping_neg() % BLOCK as u64) as usize
}
