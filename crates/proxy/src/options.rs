//! How a pull-through cache behaves.

use std::time::Duration;

/// How a pull-through cache behaves.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullThroughOptions {
    /// For how long a tag is taken to name what it did when the upstream was last asked. Default: one minute. Zero asks
    /// each time.
    pub fresh: Duration,
    /// Where the repositories are upstream: before each name comes this and a `/`. Default: nowhere in particular.
    pub prefix: Option<String>,
}

impl Default for PullThroughOptions {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(60),
            prefix: None,
        }
    }
}

impl PullThroughOptions {
    /// Sets for how long tags are taken to name what they did.
    #[must_use]
    pub fn with_fresh(mut self, fresh: Duration) -> Self {
        self.fresh = fresh;
        self
    }

    /// Sets where the repositories are upstream.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }
}
