//! How much of a hostile image is borne.

/// How layers are merged, and how much of them.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtractOptions {
    /// Entries in all layers together, at most. Default: 4 million. Memory is used for each: some 100
    /// bytes.
    pub max_entries: u64,
    /// Bytes of each layer, uncompressed, and bytes of the merged filesystem's files, holes of sparse ones
    /// included, at most. Default: 1 TiB.
    pub max_bytes: u64,
    /// How many times its size as stored a layer may have when it is decompressed. It does not count for
    /// the first 16 MiB of a layer, nor for a layer that does not know its size yet. Default: 1100, a
    /// little more than gzip can reach. zstd can, with large files of zeros.
    pub max_ratio: u64,
    /// How many layers are opened and decoded while another is being merged, each by up to 512 KiB.
    /// Default: 1. With 0, one layer is open at a time.
    pub layers_ahead: usize,
    /// What becomes of entries that a later one of the same layer replaces, in a layer of more than 1 MiB.
    /// Hardly any layer has such. Default: [`Replaced::Passed`].
    pub replaced: Replaced,
}

/// What becomes of entries that a later one of the same layer replaces, in a layer that is too large to be
/// looked through beforehand.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replaced {
    /// They come out too, before the one that counts, which so wins wherever the archive is unpacked.
    #[default]
    Passed,
    /// They are left out. For that the layer is opened and decoded twice; one that can be read only once is
    /// treated as by [`Passed`](Self::Passed).
    LeftOut,
    /// The one that replaces them fails with [`Error::Replaced`](crate::Error::Replaced).
    Refused,
}

impl Default for ExtractOptions {
    fn default() -> Self {
        Self {
            max_entries: 4_000_000,
            max_bytes: 1 << 40,
            max_ratio: 1100,
            layers_ahead: 1,
            replaced: Replaced::default(),
        }
    }
}

impl ExtractOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many entries all layers may have together.
    #[must_use]
    pub fn with_max_entries(mut self, entries: u64) -> Self {
        self.max_entries = entries;
        self
    }

    /// Sets how many bytes each layer, and the merged filesystem, may have.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how many times its stored size a layer may have.
    #[must_use]
    pub fn with_max_ratio(mut self, ratio: u64) -> Self {
        self.max_ratio = ratio;
        self
    }

    /// Sets how many layers are decoded ahead.
    #[must_use]
    pub fn with_layers_ahead(mut self, layers: usize) -> Self {
        self.layers_ahead = layers;
        self
    }

    /// Sets what becomes of entries that a later one of the same layer replaces.
    #[must_use]
    pub fn with_replaced(mut self, replaced: Replaced) -> Self {
        self.replaced = replaced;
        self
    }
}
