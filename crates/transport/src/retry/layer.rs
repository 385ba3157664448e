use std::sync::Arc;

use tower::Layer;

use super::budget::Budgets;
use super::{Retry, RetryOptions};

/// Repeats requests; see the [module](super). All services of one layer share their [budget](RetryOptions::budget).
#[derive(Clone, Debug, Default)]
pub struct RetryLayer {
    options: Arc<RetryOptions>,
    budgets: Budgets,
}

impl RetryLayer {
    /// Repeats requests as `options` say.
    #[must_use]
    pub fn new(options: RetryOptions) -> Self {
        Self {
            options: Arc::new(options),
            budgets: Budgets::default(),
        }
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry {
            inner,
            options: Arc::clone(&self.options),
            budgets: self.budgets.clone(),
        }
    }
}
