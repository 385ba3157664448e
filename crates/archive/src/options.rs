//! How an archive is written.

use std::num::NonZeroUsize;

/// How an archive is written. None of this changes its bytes.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// How many layers are read at a time, where the archive is a regular file. Default: 8.
    pub jobs: NonZeroUsize,
    /// How many layers are opened and read ahead, some megabytes of each at most, where the archive is
    /// written from front to back. Default: 1.
    pub read_ahead: usize,
}

impl WriteOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many layers are read at a time.
    #[must_use]
    pub fn with_jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = jobs;
        self
    }

    /// Sets how many layers are read ahead.
    #[must_use]
    pub fn with_read_ahead(mut self, layers: usize) -> Self {
        self.read_ahead = layers;
        self
    }
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            jobs: const { NonZeroUsize::new(8).expect("not zero") },
            read_ahead: 1,
        }
    }
}
