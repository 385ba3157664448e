//! One connection.

use std::fmt;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::ServiceExt as _;

use crate::body::{Body, BoxError};
use crate::hook::{Dropped, Flushes};
use crate::registry::Registry;

use super::ServerOptions;
use super::watched::Watched;

/// A response that is kept back to break the connection.
#[derive(Debug)]
struct KeptBack;

impl fmt::Display for KeptBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("response kept back by a fault")
    }
}

impl std::error::Error for KeptBack {}

/// Answers the requests on a connection until it ends.
pub(super) async fn serve<T>(
    stream: T,
    registry: Registry,
    options: ServerOptions,
    watcher: Watcher,
) -> Result<(), BoxError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_buf_size(options.header_limit);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(options.concurrent_streams)
        .max_header_list_size(u32::try_from(options.header_limit).unwrap_or(u32::MAX));
    let flushes = Flushes::default();
    let io = TokioIo::new(Watched::new(stream, options.idle_timeout, flushes.clone()));
    #[cfg(feature = "tls")]
    let is_encrypted = options.tls.is_some();
    let service = service_fn(move |mut request: Request<Incoming>| {
        #[cfg(feature = "tls")]
        if is_encrypted {
            request.extensions_mut().insert(crate::auth::Encrypted);
        }
        request.extensions_mut().insert(flushes.clone());
        answer(registry.clone(), request)
    });
    let connection = builder.serve_connection(io, service).into_owned();
    watcher.watch(connection).await
}

async fn answer(registry: Registry, request: Request<Incoming>) -> Result<Response<Body>, KeptBack> {
    let Ok(response) = registry.oneshot(request).await;
    match response.extensions().get::<Dropped>() {
        Some(Dropped) => Err(KeptBack),
        None => Ok(response),
    }
}
