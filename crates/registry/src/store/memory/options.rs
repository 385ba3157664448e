//! Options of a store in memory.

use std::time::Duration;

/// Options of a [`MemoryStore`](crate::store::MemoryStore).
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct MemoryOptions {
    /// Bytes of content and uploads that the store holds at most. Default: no limit.
    pub capacity: u64,
    /// Uploads that may be open at once. Default: 1024. One that was idle for
    /// [`upload_expiry`](Self::upload_expiry) gives way to a new one.
    pub max_uploads: usize,
    /// For how long an idle upload is kept at least. Default: one minute.
    pub upload_expiry: Duration,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            capacity: u64::MAX,
            max_uploads: 1024,
            upload_expiry: Duration::from_secs(60),
        }
    }
}

impl MemoryOptions {
    /// Sets [`capacity`](Self::capacity), in bytes.
    #[must_use]
    pub fn with_capacity(mut self, capacity: u64) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets [`max_uploads`](Self::max_uploads).
    #[must_use]
    pub fn with_max_uploads(mut self, max_uploads: usize) -> Self {
        self.max_uploads = max_uploads;
        self
    }

    /// Sets [`upload_expiry`](Self::upload_expiry).
    #[must_use]
    pub fn with_upload_expiry(mut self, upload_expiry: Duration) -> Self {
        self.upload_expiry = upload_expiry;
        self
    }
}
