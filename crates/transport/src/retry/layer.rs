use std::sync::Arc;

use tower::Layer;

use super::{Retry, RetryOptions};

/// Repeats requests; see the [module](super).
#[derive(Clone, Debug, Default)]
pub struct RetryLayer {
    options: Arc<RetryOptions>,
}

impl RetryLayer {
    /// Repeats requests as `options` say.
    #[must_use]
    pub fn new(options: RetryOptions) -> Self {
        Self {
            options: Arc::new(options),
        }
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry {
            inner,
            options: Arc::clone(&self.options),
        }
    }
}
