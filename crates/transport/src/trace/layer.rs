use tower::Layer;

use super::Trace;

/// Which kind of span is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Span {
    Request,
    Attempt,
}

/// Records requests; see the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct TraceLayer {
    span: Span,
}

impl TraceLayer {
    /// A span `request` per request of a caller, at level `INFO`.
    #[must_use]
    pub fn request() -> Self {
        Self { span: Span::Request }
    }

    /// A span `attempt` per attempt on the wire, at level `DEBUG`.
    #[must_use]
    pub fn attempt() -> Self {
        Self { span: Span::Attempt }
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace {
            inner,
            span: self.span,
        }
    }
}
