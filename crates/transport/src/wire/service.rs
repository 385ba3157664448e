use std::fmt::Write as _;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use tokio::time::Instant;
use tower::Service;

use crate::send::{send, take_ready};
use crate::{Body, BoxError, Error, RedactReason, RedactedUrl};

use super::Sink;
use super::head;

/// Longer bodies are not shown, in bytes.
const SHOWN: usize = 16 << 10;

/// The service of [`WireLogLayer`](super::WireLogLayer).
#[derive(Clone)]
pub struct WireLog<S> {
    pub(super) inner: S,
    pub(super) sink: Sink,
}

impl<S> Service<Request<Body>> for WireLog<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_service)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (mut inner, sink) = (take_ready(&mut self.inner), Sink::clone(&self.sink));
        Box::pin(async move {
            let (method, url) = (request.method().clone(), RedactedUrl::from(request.uri()));
            let reason = request.extensions().get::<RedactReason>().copied();
            let mut text = format!("--> {method} {url}\n");
            head::write_headers(&mut text, request.headers());
            // Of a request only what can be had without touching it is shown.
            let copy = request.body().try_clone().unwrap_or_default();
            let (shown, _) = readable(request.headers(), copy, reason).await;
            finish(&mut text, &shown, reason);
            sink(&text);

            let start = Instant::now();
            let result = send(&mut inner, request).await;
            let took = start.elapsed().as_millis();
            let response = match result {
                Ok(response) => response,
                Err(error) => {
                    sink(&format!("<-- failed {method} {url} ({took} ms): {error}\n\n"));
                    return Err(error);
                }
            };
            let mut text = format!("<-- {} {url} ({took} ms)\n", response.status());
            head::write_headers(&mut text, response.headers());
            let (parts, body) = response.into_parts();
            let (shown, body) = readable(&parts.headers, body, reason).await;
            finish(&mut text, &shown, reason);
            sink(&text);
            Ok(Response::from_parts(parts, body))
        })
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for WireLog<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WireLog")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// The text of a body that may be shown, and the body again.
async fn readable(headers: &HeaderMap, body: Body, reason: Option<RedactReason>) -> (String, Body) {
    let size = body.size_hint().exact();
    let is_short = size.is_some_and(|size| size > 0 && size <= SHOWN as u64);
    if reason.is_some() || !is_short || !head::is_json(headers) {
        return (String::new(), body);
    }
    match body.collect_prefix(SHOWN).await {
        Ok((bytes, _)) => (head::body(&bytes), Body::full(bytes)),
        Err(error) => {
            let failed = futures_util::stream::once(async { Err(BoxError::from(error)) });
            (
                "(body that breaks off)".to_owned(),
                Body::one_shot(Box::pin(failed), size),
            )
        }
    }
}

fn finish(text: &mut String, body: &str, reason: Option<RedactReason>) {
    if let Some(RedactReason(reason)) = reason {
        let _ = write!(text, "\n[body redacted: {reason}]");
    } else if !body.is_empty() {
        let _ = write!(text, "\n{}", body.trim_end());
    }
    text.push_str("\n\n");
}
