//! How a cache behaves.

/// How a cache behaves. By default it grows without limit, is written to, and hashes while it is read.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheOptions {
    /// The most bytes that the entries may have together; `None` for no limit. When it is exceeded the least recently
    /// used entries are removed, until a tenth of it is free.
    pub limit: Option<u64>,
    /// When the bytes of an entry are checked.
    pub check: Check,
    /// Whether nothing is added or removed. Default: no.
    pub read_only: bool,
}

/// When the bytes of an entry are checked against its digest.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// While they are read: a stream that comes from a damaged entry fails at its end, and the entry is gone for the next.
    #[default]
    WhileReading,
    /// Before the first of them is handed on: a damaged entry is then as good as none, at the price of reading twice.
    Before,
}

impl CacheOptions {
    /// Sets the most bytes that the entries may have together.
    #[must_use]
    pub fn with_limit(mut self, bytes: Option<u64>) -> Self {
        self.limit = bytes;
        self
    }

    /// Sets when the bytes of an entry are checked.
    #[must_use]
    pub fn with_check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// Sets whether nothing is added or removed.
    #[must_use]
    pub fn with_read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }
}
