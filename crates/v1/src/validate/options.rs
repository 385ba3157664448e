//! How much is checked, and how fast.

use crate::DecompressLimits;

/// How much [`image`](super::image), [`index`](super::index) and [`layer`](super::layer) check.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidateOptions {
    /// Layers are only asked whether they are there; documents are checked in full. Default: false.
    pub fast: bool,
    /// Layers that are checked at the same time. Default: the processors that this process may use, 8 at
    /// most.
    pub concurrency: usize,
    /// Also read [`uncompressed`](crate::Layer::uncompressed), and hold it to the diff_id. Default: false.
    pub both_forms: bool,
    /// How far a layer may swell when it is decompressed, in both forms. Default: as far as it does.
    pub limits: DecompressLimits,
    /// Entries of one layer that are looked at; one more is a finding. Memory grows with them, by some 20
    /// bytes each. Default: 10 million.
    pub max_entries: u64,
    /// Indexes inside of each other. Default: 8.
    pub max_depth: usize,
    /// Children of all indexes together. Default: 10 000.
    pub max_children: usize,
}

impl Default for ValidateOptions {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            fast: false,
            concurrency: processors.min(8),
            both_forms: false,
            limits: DecompressLimits::default(),
            max_entries: 10_000_000,
            max_depth: 8,
            max_children: 10_000,
        }
    }
}

impl ValidateOptions {
    /// Sets [`fast`](Self::fast).
    #[must_use]
    pub fn with_fast(mut self, fast: bool) -> Self {
        self.fast = fast;
        self
    }

    /// Sets [`concurrency`](Self::concurrency); 0 counts as 1.
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Sets [`both_forms`](Self::both_forms).
    #[must_use]
    pub fn with_both_forms(mut self, both_forms: bool) -> Self {
        self.both_forms = both_forms;
        self
    }

    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn with_limits(mut self, limits: DecompressLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`max_entries`](Self::max_entries).
    #[must_use]
    pub fn with_max_entries(mut self, max_entries: u64) -> Self {
        self.max_entries = max_entries;
        self
    }

    /// Sets [`max_depth`](Self::max_depth).
    #[must_use]
    pub fn with_max_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Sets [`max_children`](Self::max_children).
    #[must_use]
    pub fn with_max_children(mut self, max_children: usize) -> Self {
        self.max_children = max_children;
        self
    }
}
