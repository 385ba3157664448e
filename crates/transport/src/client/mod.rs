//! The bottom of the stack: HTTP/1.1 and HTTP/2 over pooled TCP and TLS connections.

mod connect;
mod limits;
#[cfg(feature = "tls")]
mod tls;

use std::error::Error as _;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::{Method, Request, Response};
use hyper_util::client::legacy::{Client, Error as LibraryError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;
use wharf_name::Registry;

use crate::origin::Origin;
use crate::settings::{AllSettings, RegistrySettings, Timeouts};
use crate::{Body, Error, Phase, RedactedUrl};

use self::connect::{ConnectError, Connector};
use self::limits::{IdleLimited, Progress, Watched, header_within};

/// The largest amount of one response's body that HTTP/2 lets a server send ahead of its reader, in bytes.
const STREAM_WINDOW: u32 = 2 << 20;
/// The same for all responses on one connection.
const CONNECTION_WINDOW: u32 = 8 << 20;
/// The largest piece in which HTTP/2 servers may send, in bytes: pieces of the usual 16 KiB cost more than their bytes.
const MAX_FRAME: u32 = 64 << 10;

/// The bottom service of the default stack: sends one request over a connection from its pool and returns the answer,
/// whatever its status is. It follows no redirect and repeats nothing.
///
/// HTTP/2 is used where the server offers it in the TLS handshake. Bodies are neither compressed nor decompressed.
/// Cheap to clone; clones share the pool.
///
/// ```no_run
/// use http::Request;
/// use tower::ServiceExt as _;
/// use wharf_transport::settings::{RegistrySettings, Timeouts};
/// use wharf_transport::{Body, HttpClient};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = HttpClient::new(Timeouts::default(), RegistrySettings::default(), [])?;
/// let response = client.oneshot(Request::get("https://ghcr.io/v2/").body(Body::empty())?).await?;
/// assert_eq!(response.status(), 401);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client<Connector, Watched>,
    timeouts: Timeouts,
}

impl HttpClient {
    /// A client that uses the given settings for the given registries, and `default` for all others.
    ///
    /// # Errors
    /// [`Error::Settings`] when a certificate or key in the settings cannot be used.
    pub fn new(
        timeouts: Timeouts,
        default: RegistrySettings,
        own: impl IntoIterator<Item = (Registry, RegistrySettings)>,
    ) -> Result<Self, Error> {
        Self::with_settings(timeouts, &AllSettings::new(default, own))
    }

    pub(crate) fn with_settings(timeouts: Timeouts, settings: &AllSettings) -> Result<Self, Error> {
        let connector = Connector::new(&timeouts, settings)?;
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(timeouts.pool_idle)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_max_frame_size(MAX_FRAME)
            .build(connector);
        Ok(Self { client, timeouts })
    }
}

impl Service<Request<Body>> for HttpClient {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (client, timeouts) = (self.client.clone(), self.timeouts.clone());
        Box::pin(async move {
            let origin = Origin::of(request.uri()).map_err(|error| Error::UnsafeUrl(Box::new(error)))?;
            let (method, url) = (request.method().clone(), RedactedUrl::from(request.uri()));
            let progress = Progress::new();
            let watched = request.map(|body| Watched::new(body, progress.clone()));
            let sent = client.request(watched);
            let response = match timeouts.response_header {
                Some(limit) => match header_within(sent, &progress, limit).await {
                    Some(response) => response,
                    None => {
                        return Err(Error::Timeout {
                            method,
                            url,
                            phase: Phase::ResponseHeader,
                            after: limit,
                        });
                    }
                },
                None => sent.await,
            };
            let response = response.map_err(|error| failure(error, &method, &url, &origin))?;
            Ok(response.map(|body| Body::new(IdleLimited::new(body, timeouts.idle, method, url))))
        })
    }
}

/// Finds out what a failure of the HTTP library is.
fn failure(error: LibraryError, method: &Method, url: &RedactedUrl, origin: &Origin) -> Error {
    if !error.is_connect() {
        return Error::Exchange {
            method: method.clone(),
            url: url.clone(),
            source: error.into(),
        };
    }
    match error
        .source()
        .and_then(|source| source.downcast_ref::<ConnectError>())
    {
        Some(error) => error.clone().into_error(method, url, origin),
        None => Error::Connect {
            origin: origin.clone(),
            source: error.into(),
        },
    }
}
