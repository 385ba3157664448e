use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::{Request, Response};
use http_body::Body as _;
use tokio::time::Instant;
use tower::Service;

use crate::origin::Origin;
use crate::send::{send, take_ready};
use crate::{Body, BoxError, Error};

use super::body::Limited;
use super::layer::Hosts;
use super::pool::Slot;

/// The slot of an answer of up to this many bytes is given back at once: they are on their way already.
const SMALL: u64 = 64 << 10;

/// The service of [`LimitLayer`](super::LimitLayer).
#[derive(Clone, Debug)]
pub struct Limit<S> {
    pub(super) inner: S,
    pub(super) hosts: Hosts,
}

impl<S> Service<Request<Body>> for Limit<S>
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
        let mut inner = take_ready(&mut self.inner);
        let hosts = self.hosts.clone();
        Box::pin(async move {
            // What has no origin fails further in.
            let Ok(origin) = Origin::of(request.uri()) else {
                return send(&mut inner, request).await;
            };
            let host = hosts.of(origin);
            let slot = host.enter(request.method(), request.extensions()).await;
            let sent = Instant::now();
            let watcher = Arc::clone(&slot);
            let request = request.map(|body| body.watched(move || watcher.moved()));
            let response = moving(send(&mut inner, request), &slot).await?;
            host.learn(response.status(), response.headers(), sent);
            Ok(if keeps_slot(&response) {
                response.map(|body| Body::new(Limited::new(body, slot)))
            } else {
                response
            })
        })
    }
}

/// Drives a request, and notes on its slot that somebody does.
async fn moving<F: Future>(request: F, slot: &Slot) -> F::Output {
    let mut request = pin!(request);
    std::future::poll_fn(|cx| {
        slot.moved();
        request.as_mut().poll(cx)
    })
    .await
}

fn keeps_slot(response: &Response<Body>) -> bool {
    let body = response.body();
    let is_small = body.size_hint().upper().is_some_and(|size| size <= SMALL);
    response.status().is_success() && !is_small && !body.is_end_stream()
}
