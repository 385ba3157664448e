use std::fmt;
use std::sync::Arc;

use tower::Layer;

use super::WireLog;

/// Takes one request or answer at a time: some lines of text, the last of which ends too. It must not block.
pub type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// Writes requests and answers to a sink; see the [module](super).
#[derive(Clone)]
pub struct WireLogLayer {
    sink: Sink,
}

impl WireLogLayer {
    /// Writes to `sink`.
    pub fn new(sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { sink: Arc::new(sink) }
    }
}

impl<S> Layer<S> for WireLogLayer {
    type Service = WireLog<S>;

    fn layer(&self, inner: S) -> WireLog<S> {
        WireLog {
            inner,
            sink: Arc::clone(&self.sink),
        }
    }
}

impl fmt::Debug for WireLogLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireLogLayer").finish_non_exhaustive()
    }
}
