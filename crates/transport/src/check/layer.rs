use tower::Layer;

use super::{Check, HeadFailures};

/// Turns statuses that were not asked for into errors; see the [module](super).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CheckLayer {
    /// What to do when a `HEAD` fails. Default: nothing more.
    pub head_failures: HeadFailures,
}

impl CheckLayer {
    /// The layer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what to do when a `HEAD` fails.
    #[must_use]
    pub fn with_head_failures(mut self, policy: HeadFailures) -> Self {
        self.head_failures = policy;
        self
    }
}

impl<S> Layer<S> for CheckLayer {
    type Service = Check<S>;

    fn layer(&self, inner: S) -> Check<S> {
        Check {
            inner,
            head_failures: self.head_failures,
        }
    }
}
