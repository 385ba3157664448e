//! How an archive is read.

use wharf_archive::UNPACKED_LIMIT;

/// How an archive is read.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// How many bytes an archive that is compressed as a whole may unpack to, in a temporary file.
    /// Default: 64 GiB.
    pub unpacked_limit: u64,
}

impl ReadOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many bytes an archive may unpack to.
    #[must_use]
    pub fn with_unpacked_limit(mut self, bytes: u64) -> Self {
        self.unpacked_limit = bytes;
        self
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            unpacked_limit: UNPACKED_LIMIT,
        }
    }
}
