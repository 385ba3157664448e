//! From a request to its response, and what happens around that.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use http::header::{EXPECT, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response};
use tower::Service;

use crate::body::{Body, BoxError};
use crate::endpoint;
use crate::hook::Verdict;
use crate::incoming::Incoming;
use crate::problem::Problem;

use super::{Inner, Registry};

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

impl<B> Service<Request<B>> for Registry
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner = Arc::clone(&self.0);
        let (parts, body) = request.into_parts();
        let incoming = Incoming::new(body, parts.headers.contains_key(EXPECT));
        async move { Ok(serve(inner, parts, incoming).await) }.boxed()
    }
}

async fn serve(inner: Arc<Inner>, parts: Parts, incoming: Incoming) -> Response<Body> {
    let began = Instant::now();
    let record = inner.log.begin(&parts, &incoming);
    let faults = inner.faults.meet(&parts);
    let response = match faults.before(&incoming).await {
        Verdict::Proceed => faults.after(respond(&inner, &parts, &incoming).await),
        Verdict::Respond(response) => response,
    };
    incoming.drain();
    let response = without_body_for_head(&parts.method, response);
    tracing::info!(
        method = %parts.method,
        uri = %parts.uri.path_and_query().map_or("", |path| path.as_str()),
        status = response.status().as_u16(),
        bytes = response.body().length(),
        elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "request"
    );
    record.end(response)
}

async fn respond(inner: &Arc<Inner>, parts: &Parts, incoming: &Incoming) -> Response<Body> {
    let answered = endpoint::dispatch(inner, parts, incoming).await;
    let mut response = answered.unwrap_or_else(Problem::into_response);
    response
        .headers_mut()
        .insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

/// Takes the body from the response to a HEAD request, and leaves what its headers say of it.
fn without_body_for_head(method: &Method, response: Response<Body>) -> Response<Body> {
    if method == Method::HEAD {
        response.map(|_| Body::empty())
    } else {
        response
    }
}
