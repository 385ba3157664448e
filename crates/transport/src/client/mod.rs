//! The bottom of the stack: HTTP/1.1 and HTTP/2 over pooled TCP and TLS connections.

mod connect;
mod hosts;
mod limits;
mod resolve;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod tunnel;

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::header::PROXY_AUTHORIZATION;
use http::{Extensions, Method, Request, Response, StatusCode};
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::client::legacy::{Client, Error as LibraryError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;
use wharf_name::Registry;

use crate::context::ChosenBy;
use crate::origin::{Origin, Reach};
use crate::proxy::{Proxy, ProxyFailure};
use crate::settings::{AllSettings, ClientOptions, RegistrySettings, Timeouts};
use crate::{Body, Error, Phase, RedactedUrl, RegistryContext};

pub use self::resolve::{Resolve, SystemResolver};

use self::connect::{ConnectError, Connector, Route, Shared};
use self::hosts::{Hosts, homes};
use self::limits::{IdleLimited, Outcome, Progress, Watched, header_within};
use self::resolve::Guard;
use self::stream::ConnectionInfo;

/// The largest amount of one response's body that HTTP/2 lets a server send ahead of its reader, in bytes.
const STREAM_WINDOW: u32 = 2 << 20;
/// The same for all responses on one connection.
const CONNECTION_WINDOW: u32 = 8 << 20;
/// The largest piece in which HTTP/2 servers may send, in bytes: pieces of the usual 16 KiB cost more than their bytes.
const MAX_FRAME: u32 = 64 << 10;
/// The largest piece that is read of an HTTP/1.1 connection, in bytes, and so the most that a response's header may
/// have. Pieces are held while they are hashed and written, several on each connection.
const READ_MAX: usize = 128 << 10;

/// The bottom service of the default stack: sends one request over a connection from its pool and returns the answer,
/// whatever its status is. It follows no redirect and repeats nothing.
///
/// HTTP/2 is used where the server offers it in the TLS handshake. Bodies are neither compressed nor decompressed.
/// Cheap to clone; clones share the pool.
///
/// A request to another origin than its registry's ([`RegistryContext`]), or with the mark [`ChosenBy`], is to a URL that
/// a server chose. Its connection leads to no address that is further inside a network than that server: a name of the
/// internet that resolves to a private address is refused, and so are link-local addresses in any case. No client
/// certificate of the default settings is shown there.
///
/// ```no_run
/// use http::Request;
/// use tower::ServiceExt as _;
/// use wharf_transport::settings::{ClientOptions, RegistrySettings};
/// use wharf_transport::{Body, HttpClient};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = HttpClient::new(ClientOptions::default(), RegistrySettings::default(), [])?;
/// let response = client.oneshot(Request::get("https://ghcr.io/v2/").body(Body::empty())?).await?;
/// assert_eq!(response.status(), 401);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpClient {
    /// One for each route, since a connection must not serve requests that could not have opened it.
    pools: Arc<[(Route, Pool)]>,
    shared: Arc<Shared>,
    timeouts: Timeouts,
}

type Pool = Client<Connector, Watched>;

impl HttpClient {
    /// A client that uses the given settings for the given registries, and `default` for all others.
    ///
    /// # Errors
    /// [`Error::Settings`] when a certificate or key in the settings cannot be used.
    pub fn new(
        options: ClientOptions,
        default: RegistrySettings,
        own: impl IntoIterator<Item = (Registry, RegistrySettings)>,
    ) -> Result<Self, Error> {
        Self::with_settings(options, &AllSettings::new(default, own))
    }

    pub(crate) fn with_settings(options: ClientOptions, settings: &AllSettings) -> Result<Self, Error> {
        let timeouts = options.timeouts.clone();
        let hosts = Hosts::new(settings, options.proxies.clone());
        let shared = Arc::new(Shared::new(hosts, options)?);
        let routes = Guard::ALL
            .into_iter()
            .flat_map(|guard| [false, true].map(|http1_only| Route { guard, http1_only }));
        let pools = routes
            .map(|route| (route, pool(route, &shared, &timeouts)))
            .collect();
        Ok(Self {
            pools,
            shared,
            timeouts,
        })
    }

    async fn send(self, mut request: Request<Body>) -> Result<Response<Body>, Error> {
        let origin = Origin::of(request.uri()).map_err(|error| Error::UnsafeUrl(Box::new(error)))?;
        let (method, url) = (request.method().clone(), RedactedUrl::from(request.uri()));
        let pool = self.pool(request.extensions(), &origin);
        let asked = self.authorize_to_proxy(&mut request, &origin);
        let captured = capture_connection(&mut request);
        let progress = Progress::new();
        let watched = request.map(|body| Watched::new(body, progress.clone()));
        let sent = pool.request(watched);
        let response = match self.timeouts.response_header {
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
        let outcome = Outcome {
            shared: Arc::clone(&self.shared),
            connection: connection(&captured),
            origin,
        };
        let response = response.map_err(|error| failure(error, &method, &url, &outcome))?;
        if let (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(proxy)) = (response.status(), asked) {
            return Err(Error::Proxy {
                origin: outcome.origin,
                proxy: proxy.to_string(),
                source: ProxyFailure::Unauthorized,
            });
        }
        let limit = self.timeouts.idle;
        Ok(response.map(|body| Body::new(IdleLimited::new(body, limit, method, url, outcome))))
    }

    fn pool(&self, extensions: &Extensions, origin: &Origin) -> &Pool {
        let route = Route {
            guard: self.guard(extensions, origin),
            http1_only: self.shared.hosts.is_http1_only(origin),
        };
        let pool = self.pools.iter().find(|(of, _)| *of == route);
        pool.map(|(_, pool)| pool)
            .expect("there is a pool for each route")
    }

    /// Who chose the URL of a request.
    fn guard(&self, extensions: &Extensions, origin: &Origin) -> Guard {
        let hosts = &self.shared.hosts;
        let context = extensions.get::<RegistryContext>();
        let homes: Vec<Origin> = context
            .into_iter()
            .flat_map(|context| homes(&context.registry))
            .collect();
        let is_trusted = |home: &Origin| hosts.settings(home).trusted_targets.contains(origin);
        if homes.contains(origin) || homes.iter().any(is_trusted) {
            return Guard::Open;
        }
        match extensions.get::<ChosenBy>() {
            Some(ChosenBy(server)) if server == origin => Guard::Open,
            Some(ChosenBy(server)) => Guard::from(hosts.reach(server)),
            None => {
                // The registry was asked before, with TLS or without.
                let reaches = homes.iter().map(|home| hosts.reach(home));
                reaches.reduce(Reach::inner).map_or(Guard::Open, Guard::from)
            }
        }
    }

    /// Shows the credential for the proxy in a request that the proxy itself reads. In all others there is none,
    /// wherever it came from. Returns the proxy that reads the request.
    fn authorize_to_proxy(&self, request: &mut Request<Body>, origin: &Origin) -> Option<&Proxy> {
        let headers = request.headers_mut();
        headers.remove(PROXY_AUTHORIZATION);
        let proxy = self.shared.hosts.proxy(origin);
        let proxy = proxy.filter(|proxy| proxy.is_http() && !origin.is_secure())?;
        headers.extend(proxy.authorization().map(|value| (PROXY_AUTHORIZATION, value)));
        Some(proxy)
    }
}

fn pool(route: Route, shared: &Arc<Shared>, timeouts: &Timeouts) -> Pool {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(timeouts.pool_idle)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_frame_size(MAX_FRAME)
        .http1_max_buf_size(READ_MAX)
        .build(Connector::new(route, Arc::clone(shared)))
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
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
        let client = self.clone();
        Box::pin(client.send(request))
    }
}

/// The connection that a request went over, if it got one.
fn connection(captured: &CaptureConnection) -> Option<ConnectionInfo> {
    let mut extras = Extensions::new();
    captured.connection_metadata().as_ref()?.get_extras(&mut extras);
    extras.remove()
}

/// Finds out what a failure of the HTTP library is.
fn failure(error: LibraryError, method: &Method, url: &RedactedUrl, outcome: &Outcome) -> Error {
    let origin = &outcome.origin;
    if !error.is_connect() {
        return outcome.failed(method, url, error.into());
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
