use std::sync::Arc;

use tower::Layer;

use super::{DeadlineOptions, InTime};

/// Ends requests that take too long; see the [module](super).
#[derive(Clone, Debug, Default)]
pub struct DeadlineLayer {
    options: Arc<DeadlineOptions>,
}

impl DeadlineLayer {
    /// Ends what takes longer than `options` allow.
    #[must_use]
    pub fn new(options: DeadlineOptions) -> Self {
        let options = Arc::new(options);
        Self { options }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = InTime<S>;

    fn layer(&self, inner: S) -> InTime<S> {
        InTime {
            inner,
            options: Arc::clone(&self.options),
        }
    }
}
