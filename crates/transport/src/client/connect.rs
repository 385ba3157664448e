//! Opening connections: name, TCP, TLS.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::{Method, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::{Service, ServiceExt as _};

use crate::origin::Origin;
use crate::settings::{AllSettings, Timeouts};
use crate::{Error, Phase, RedactedUrl};

#[cfg(feature = "tls")]
use super::tls::Configs;

/// Opens the connections of the pool.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    connect_limit: Duration,
    #[cfg(feature = "tls")]
    tls_limit: Duration,
    #[cfg(feature = "tls")]
    tls: Arc<Configs>,
}

impl Connector {
    pub(super) fn new(
        timeouts: &Timeouts,
        #[cfg_attr(
            not(feature = "tls"),
            expect(unused_variables, reason = "all settings here are about TLS")
        )]
        settings: &AllSettings,
    ) -> Result<Self, Error> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        Ok(Self {
            tcp,
            connect_limit: timeouts.connect,
            #[cfg(feature = "tls")]
            tls_limit: timeouts.tls,
            #[cfg(feature = "tls")]
            tls: Arc::new(Configs::new(settings)?),
        })
    }

    async fn connect(mut self, url: Uri) -> Result<Transported, ConnectError> {
        let origin = Origin::of(&url).map_err(|error| ConnectError::Tcp(Arc::new(error)))?;
        #[cfg(not(feature = "tls"))]
        if origin.is_secure() {
            return Err(ConnectError::NoTls);
        }
        let connecting = async { self.tcp.ready().await?.call(url).await };
        let tcp = match timeout(self.connect_limit, connecting).await {
            Ok(Ok(tcp)) => tcp.into_inner(),
            Ok(Err(error)) => return Err(ConnectError::Tcp(Arc::new(error))),
            Err(_) => return Err(ConnectError::Timeout(Phase::Connect, self.connect_limit)),
        };
        #[cfg(feature = "tls")]
        if origin.is_secure() {
            let handshake = self.tls.handshake(&origin, tcp);
            return match timeout(self.tls_limit, handshake).await {
                Ok(stream) => Ok(Transported::Tls(TokioIo::new(Box::new(stream?)))),
                Err(_) => Err(ConnectError::Timeout(Phase::Tls, self.tls_limit)),
            };
        }
        Ok(Transported::Plain(TokioIo::new(tcp)))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
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
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is no handshake"))]
    Tls(Arc<dyn StdError + Send + Sync>),
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is no handshake"))]
    NotTls(Arc<dyn StdError + Send + Sync>),
    NoTls,
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
            Self::Tls(source) => Error::Tls {
                origin,
                source: Box::new(source),
            },
            Self::NotTls(source) => Error::NotTls {
                origin,
                source: Box::new(source),
            },
            Self::NoTls => Error::NoTls { origin },
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
            Self::Tcp(error) | Self::Tls(error) | Self::NotTls(error) => error.fmt(f),
            Self::NoTls => f.write_str("no TLS"),
            Self::Timeout(phase, _) => write!(f, "{phase} timed out"),
        }
    }
}

impl StdError for ConnectError {}

/// A connection: TCP, or TLS over it.
pub(super) enum Transported {
    Plain(TokioIo<TcpStream>),
    #[cfg(feature = "tls")]
    Tls(TokioIo<Box<tokio_rustls::client::TlsStream<TcpStream>>>),
}

impl Connection for Transported {
    fn connected(&self) -> Connected {
        match self {
            Self::Plain(_) => Connected::new(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => match stream.inner().get_ref().1.alpn_protocol() {
                Some(b"h2") => Connected::new().negotiated_h2(),
                _ => Connected::new(),
            },
        }
    }
}

macro_rules! delegate {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Transported::Plain($stream) => $call,
            #[cfg(feature = "tls")]
            Transported::Tls($stream) => $call,
        }
    };
}

impl Read for Transported {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self, stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl Write for Transported {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => Pin::new(stream).poll_write_vectored(cx, bytes))
    }
}
