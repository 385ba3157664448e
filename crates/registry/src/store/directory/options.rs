//! Options of a store in a directory.

use std::time::Duration;

/// Options of a [`DirectoryStore`](crate::store::DirectoryStore).
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct DirectoryOptions {
    /// For how long an upload is kept that nothing is appended to. Default: one day.
    pub upload_expiry: Duration,
}

impl Default for DirectoryOptions {
    fn default() -> Self {
        Self {
            upload_expiry: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl DirectoryOptions {
    /// Sets [`upload_expiry`](Self::upload_expiry).
    #[must_use]
    pub fn with_upload_expiry(mut self, upload_expiry: Duration) -> Self {
        self.upload_expiry = upload_expiry;
        self
    }
}
