//! Opening connections: name, TCP, proxy, TLS.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::{Method, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::{Service, ServiceExt as _};

use crate::origin::{Origin, Reach, Site, UnsafeUrl, UnsafeUrlReason};
use crate::proxy::{Proxy, ProxyFailure, ProxyKind};
use crate::settings::ClientOptions;
use crate::{Error, Phase, RedactedUrl, TlsFailure};

use super::hosts::Hosts;
use super::resolve::{Guard, Inside, Judged};
use super::stream::{BoxStream, Transported};
#[cfg(feature = "tls")]
use super::tls::{Configs, Offer, Show};
use super::tunnel;

/// The connections of one pool: only requests that are alike in this share connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) guard: Guard,
    pub(super) http1_only: bool,
}

/// What the connectors of all pools share.
pub(super) struct Shared {
    pub(super) hosts: Hosts,
    options: ClientOptions,
    #[cfg(feature = "tls")]
    tls: Arc<Configs>,
}

impl Shared {
    pub(super) fn new(hosts: Hosts, options: ClientOptions) -> Result<Self, Error> {
        Ok(Self {
            #[cfg(feature = "tls")]
            tls: Arc::new(Configs::new(&options, &hosts)?),
            hosts,
            options,
        })
    }
}

/// Opens the connections of one pool.
#[derive(Clone)]
pub(super) struct Connector {
    route: Route,
    shared: Arc<Shared>,
}

impl Connector {
    pub(super) fn new(route: Route, shared: Arc<Shared>) -> Self {
        Self { route, shared }
    }

    async fn connect(self, url: Uri) -> Result<Transported, ConnectError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let origin = Origin::of(&url).map_err(|error| ConnectError::Tcp(Arc::new(error)))?;
        #[cfg(not(feature = "tls"))]
        if origin.is_secure() {
            return Err(ConnectError::NoTls);
        }
        let limit = self.shared.options.timeouts.connect;
        let dialled = match timeout(limit, self.dial(&origin)).await {
            Ok(dialled) => dialled?,
            Err(_) => return Err(ConnectError::Timeout(Phase::Connect, limit)),
        };
        #[cfg(feature = "tls")]
        if origin.is_secure() {
            let show = match self.route.guard {
                Guard::Open => Show::Default,
                _ => Show::OwnOnly,
            };
            let offer = if self.route.http1_only {
                Offer::Http1
            } else {
                Offer::Http1And2
            };
            let stream = self.handshake(&origin, dialled.stream, show, offer).await?;
            dialled.reach.learn(&self.shared.hosts, &origin);
            let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            return Ok(Transported::new(Box::new(stream), id, is_h2, false));
        }
        dialled.reach.learn(&self.shared.hosts, &origin);
        Ok(Transported::new(dialled.stream, id, false, dialled.to_proxy))
    }

    /// Bytes to a host, directly or through a proxy.
    async fn dial(&self, origin: &Origin) -> Result<Dialled, ConnectError> {
        match self.shared.hosts.proxy(origin) {
            None => {
                let tcp = self.tcp(origin.host(), origin.port(), self.route.guard).await?;
                let reach = tcp.peer_addr().ok().map(|peer| Reach::of_address(peer.ip()));
                Ok(Dialled {
                    stream: Box::new(tcp),
                    to_proxy: false,
                    reach: Seen(reach),
                })
            }
            Some(proxy) => {
                // The proxy is the user's choice. What it connects to is judged by the URL alone.
                let through = self.through(proxy, origin).await;
                let stream = through.map_err(|failure| ConnectError::Proxy(proxy.to_string(), failure))?;
                Ok(Dialled {
                    stream,
                    to_proxy: proxy.is_http() && !origin.is_secure(),
                    reach: Seen(None),
                })
            }
        }
    }

    async fn through(&self, proxy: &Proxy, origin: &Origin) -> Result<BoxStream, ProxyFailure> {
        let unreachable = |error| ProxyFailure::Unreachable(Arc::new(error));
        let tcp = self.tcp(proxy.host(), proxy.port(), Guard::Open);
        let stream: BoxStream = Box::new(tcp.await.map_err(unreachable)?);
        let stream = match proxy.kind() {
            ProxyKind::Https => self.secure_proxy(proxy, stream).await.map_err(unreachable)?,
            ProxyKind::Http => stream,
            ProxyKind::Socks5 => return tunnel::socks5(stream, proxy, origin).await,
        };
        if origin.is_secure() {
            tunnel::connect(stream, proxy, origin).await
        } else {
            Ok(stream)
        }
    }

    /// A TCP connection. Addresses of both families are tried, the other one 300 ms after the first.
    async fn tcp(&self, host: &str, port: u16, guard: Guard) -> Result<TcpStream, ConnectError> {
        // Addresses are not resolved, and so would not be judged.
        if is_address(host) && !guard.allows(Reach::of(host)) {
            return Err(ConnectError::Inside);
        }
        let mut tcp = HttpConnector::new_with_resolver(Judged {
            resolver: Arc::clone(&self.shared.options.resolver),
            guard,
        });
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        let url = format!("http://{host}:{port}/").parse::<Uri>();
        let url = url.map_err(|error| ConnectError::Tcp(Arc::new(error)))?;
        match async { tcp.ready().await?.call(url).await }.await {
            Ok(tcp) => Ok(tcp.into_inner()),
            Err(error) if Inside::is_in(&error) => Err(ConnectError::Inside),
            Err(error) => Err(ConnectError::Tcp(Arc::new(error))),
        }
    }

    #[cfg(feature = "tls")]
    async fn handshake(
        &self,
        origin: &Origin,
        stream: BoxStream,
        show: Show,
        offer: Offer,
    ) -> Result<tokio_rustls::client::TlsStream<BoxStream>, ConnectError> {
        let limit = self.shared.options.timeouts.tls;
        let handshake = self.shared.tls.handshake(origin, stream, show, offer);
        match timeout(limit, handshake).await {
            Ok(stream) => stream,
            Err(_) => Err(ConnectError::Timeout(Phase::Tls, limit)),
        }
    }

    #[cfg(feature = "tls")]
    async fn secure_proxy(&self, proxy: &Proxy, stream: BoxStream) -> Result<BoxStream, ConnectError> {
        let url = proxy.to_string().parse::<Uri>();
        let url = url.map_err(|error| ConnectError::Tcp(Arc::new(error)))?;
        let origin = Origin::of(&url).map_err(|error| ConnectError::Tcp(Arc::new(error)))?;
        let stream = self
            .handshake(&origin, stream, Show::OwnOnly, Offer::Http1)
            .await?;
        Ok(Box::new(stream))
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "as it is with TLS")]
    async fn secure_proxy(&self, _: &Proxy, _: BoxStream) -> Result<BoxStream, ConnectError> {
        Err(ConnectError::NoTls)
    }
}

struct Dialled {
    stream: BoxStream,
    /// It ends at a proxy, which is to be asked for whole URLs.
    to_proxy: bool,
    reach: Seen,
}

/// Where a direct connection leads.
struct Seen(Option<Reach>);

impl Seen {
    fn learn(self, hosts: &Hosts, origin: &Origin) {
        if let Some(reach) = self.0 {
            hosts.learn_reach(origin, reach);
        }
    }
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok()
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

impl Service<Uri> for Connector {
    type Response = Transported;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Transported, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        Box::pin(self.clone().connect(url))
    }
}

/// Why there is no connection. It is cheap to clone, because the HTTP library lends errors and does not give them.
#[derive(Clone, Debug)]
pub(super) enum ConnectError {
    Tcp(Arc<dyn StdError + Send + Sync>),
    /// The address is further inside a network than whoever chose the URL.
    Inside,
    Proxy(String, ProxyFailure),
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is no handshake"))]
    Tls(TlsFailure, Arc<dyn StdError + Send + Sync>),
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is no handshake"))]
    NotTls(Arc<dyn StdError + Send + Sync>),
    NoTls,
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "no files are read"))]
    Settings(Arc<dyn StdError + Send + Sync>),
    Timeout(Phase, Duration),
}

impl ConnectError {
    pub(super) fn into_error(self, method: &Method, url: &RedactedUrl, origin: &Origin) -> Error {
        let origin = origin.clone();
        match self {
            Self::Tcp(source) => Error::Connect {
                origin,
                source: Box::new(source),
            },
            Self::Inside => Error::UnsafeUrl(Box::new(UnsafeUrl {
                url: url.clone(),
                site: Site::Address,
                reason: UnsafeUrlReason::Inside,
            })),
            Self::Proxy(proxy, source) => Error::Proxy {
                origin,
                proxy,
                source,
            },
            Self::Tls(failure, source) => Error::Tls {
                origin,
                failure,
                source: Box::new(source),
            },
            Self::NotTls(source) => Error::NotTls {
                origin,
                source: Box::new(source),
            },
            Self::NoTls => Error::NoTls { origin },
            Self::Settings(source) => Error::Settings {
                what: "setting up TLS",
                source: Box::new(source),
            },
            Self::Timeout(phase, after) => Error::Timeout {
                method: method.clone(),
                url: url.clone(),
                phase,
                after,
            },
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(error) | Self::NotTls(error) | Self::Settings(error) => error.fmt(f),
            Self::Tls(failure, error) => write!(f, "{failure}: {error}"),
            Self::Inside => Inside.fmt(f),
            Self::Proxy(_, failure) => failure.fmt(f),
            Self::NoTls => f.write_str("no TLS"),
            Self::Timeout(phase, _) => write!(f, "{phase} timed out"),
        }
    }
}

impl StdError for ConnectError {}
