use std::fmt::Display;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::future::BoxFuture;
use http::{Request, Response};
use tower::Service;
use tracing::field::Empty;
use tracing::{Instrument as _, debug, debug_span, info_span};

use crate::RedactedUrl;
use crate::origin::Origin;

use super::layer::Span;

/// The service of [`TraceLayer`](super::TraceLayer).
#[derive(Clone, Debug)]
pub struct Trace<S> {
    pub(super) inner: S,
    pub(super) span: Span,
}

impl<S, B, C> Service<Request<B>> for Trace<S>
where
    S: Service<Request<B>, Response = Response<C>>,
    S::Future: Send + 'static,
    S::Error: Display,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<C>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (method, url) = (request.method(), RedactedUrl::from(request.uri()));
        let origin = Origin::of(request.uri()).ok();
        let (host, port) = (
            origin.as_ref().map(Origin::host),
            origin.as_ref().map(Origin::port),
        );
        let span = match self.span {
            Span::Request => info_span!(
                "request",
                otel.kind = "client",
                otel.name = %method,
                http.request.method = %method,
                url.full = %url,
                server.address = host,
                server.port = port,
                http.response.status_code = Empty,
                error.type = Empty,
            ),
            Span::Attempt => debug_span!(
                "attempt",
                otel.kind = "client",
                otel.name = %method,
                http.request.method = %method,
                url.full = %url,
                server.address = host,
                server.port = port,
                http.response.status_code = Empty,
                error.type = Empty,
            ),
        };
        let answer = span.in_scope(|| self.inner.call(request));
        let recorded = span.clone();
        let observed = async move {
            let start = Instant::now();
            let result = answer.await;
            let elapsed = start.elapsed();
            match &result {
                Ok(response) => {
                    let status = response.status().as_u16();
                    recorded.record("http.response.status_code", status);
                    if status >= 400 {
                        recorded.record("error.type", status);
                    }
                    debug!(http.response.status_code = status, ?elapsed, "answered");
                }
                Err(error) => {
                    recorded.record("error.type", "failed");
                    debug!(%error, ?elapsed, "failed");
                }
            }
            result
        };
        Box::pin(observed.instrument(span))
    }
}
