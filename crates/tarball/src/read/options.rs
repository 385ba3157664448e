//! How an archive is read.

use wharf_archive::UNPACKED_LIMIT;
use wharf_v1::DecompressLimits;

/// How an archive is read.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// How many bytes an archive that is compressed as a whole may unpack to, in a temporary file.
    /// Default: 64 GiB.
    pub unpacked_limit: u64,
    /// How many times its size such an archive may unpack to, counted once 16 MiB have come out.
    /// Default: `None`, any number.
    pub unpacked_ratio: Option<u64>,
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

    /// Sets how many times its size an archive may unpack to.
    #[must_use]
    pub fn with_unpacked_ratio(mut self, ratio: u64) -> Self {
        self.unpacked_ratio = Some(ratio);
        self
    }

    pub(super) fn limits(&self) -> DecompressLimits {
        let limits = DecompressLimits::default().with_max_bytes(self.unpacked_limit);
        match self.unpacked_ratio {
            Some(ratio) => limits.with_max_ratio(ratio),
            None => limits,
        }
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            unpacked_limit: UNPACKED_LIMIT,
            unpacked_ratio: None,
        }
    }
}
