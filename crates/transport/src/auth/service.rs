use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::{Request, Response};
use tower::Service;

use crate::send::{send, take_ready};
use crate::{Body, BoxError, Error};

use super::handshake::Handshake;
use super::state::State;

/// The service of [`AuthLayer`](super::AuthLayer).
#[derive(Clone, Debug)]
pub struct Auth<S> {
    pub(super) inner: S,
    pub(super) state: Arc<State>,
}

impl<S> Service<Request<Body>> for Auth<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>>
        + Clone
        + Send
        + Sync
        + 'static,
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
        let state = Arc::clone(&self.state);
        Box::pin(async move {
            match Handshake::of(&request, &state) {
                Some(handshake) => handshake.run(inner, &state, request).await,
                None => send(&mut inner, request).await,
            }
        })
    }
}
