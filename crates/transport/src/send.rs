//! Calling an inner service from within a layer's future.

use http::{Request, Response};
use tower::{Service, ServiceExt as _};

use crate::{Body, BoxError, Error};

/// What a layer calls: a service for requests, whatever its error is.
pub(crate) trait Inner:
    Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Inner for S where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Takes the service that was polled ready out of a layer's service, and leaves its clone in its place.
pub(crate) fn take_ready<S: Clone>(inner: &mut S) -> S {
    let next = inner.clone();
    std::mem::replace(inner, next)
}

/// Sends a request by a service that is ready.
pub(crate) async fn send<S>(inner: &mut S, request: Request<Body>) -> Result<Response<Body>, Error>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>> + Send,
    S::Future: Send,
{
    inner.call(request).await.map_err(Error::from_service)
}

/// Sends another request by a service that has been called before.
pub(crate) async fn send_next<S>(inner: &mut S, request: Request<Body>) -> Result<Response<Body>, Error>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>> + Send,
    S::Future: Send,
{
    let ready = inner.ready().await.map_err(Error::from_service)?;
    ready.call(request).await.map_err(Error::from_service)
}
