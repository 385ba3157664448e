//! A server for a registry.

mod connection;
mod options;
#[cfg(feature = "tls")]
mod tls;
mod watched;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use crate::body::BoxError;
use crate::registry::Registry;

pub use options::ServerOptions;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};

/// How long accepting pauses after it failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server that listens on an address and answers with a [`Registry`], over HTTP/1.1 or HTTP/2,
/// by TLS where the options say so, on a task of its own. Dropping it breaks all connections.
///
/// ```
/// use wharf_registry::Registry;
/// use wharf_registry::server::Server;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = Server::bind(Registry::in_memory(), "127.0.0.1:0").await?;
/// assert_eq!(server.host(), format!("127.0.0.1:{}", server.addr().port()));
/// server.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: AbortOnDropHandle<()>,
}

impl Server {
    /// Listens on an address, with the default options. Port 0 takes a free port.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(registry: Registry, address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::bind_with(registry, address, ServerOptions::default()).await
    }

    /// Listens on an address.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind_with(
        registry: Registry,
        address: impl ToSocketAddrs,
        options: ServerOptions,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept(listener, registry, options, stopped));
        Ok(Self {
            addr,
            stop,
            task: AbortOnDropHandle::new(task),
        })
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Host and port under which clients on this machine reach the server: `127.0.0.1:5000`.
    #[must_use]
    pub fn host(&self) -> String {
        let mut addr = self.addr;
        if addr.ip().is_unspecified() {
            addr.set_ip(if addr.is_ipv4() {
                Ipv4Addr::LOCALHOST.into()
            } else {
                Ipv6Addr::LOCALHOST.into()
            });
        }
        addr.to_string()
    }

    /// Stops listening, lets the requests that are under way come to their end, and returns when they
    /// did, or were given up after [`ServerOptions::shutdown_timeout`].
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }

    /// Runs until the server's task ends, which is only when it panics.
    pub async fn wait(&mut self) {
        let _ = (&mut self.task).await;
    }
}

/// Serves a new connection, encrypted if it should be.
async fn greet(
    stream: TcpStream,
    registry: Registry,
    options: ServerOptions,
    watcher: Watcher,
) -> Result<(), BoxError> {
    #[cfg(feature = "tls")]
    if let Some(tls) = &options.tls {
        let stream = tls.accept(stream, options.header_timeout).await?;
        return connection::serve(stream, registry, options, watcher).await;
    }
    connection::serve(stream, registry, options, watcher).await
}

async fn accept(
    listener: TcpListener,
    registry: Registry,
    options: ServerOptions,
    mut stopped: oneshot::Receiver<()>,
) {
    let graceful = GracefulShutdown::new();
    // Dropped, and with it every connection aborted, when this task ends or is aborted.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // The sender gone means the server was dropped, and this task is about to be aborted.
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // A body that follows its headers would else wait for the client to acknowledge those.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%peer, %error, "small pieces of answers may wait");
                    }
                    let served = greet(stream, registry.clone(), options.clone(), graceful.watcher());
                    connections.spawn(async move {
                        if let Err(error) = served.await {
                            tracing::debug!(%peer, error, "connection failed");
                        }
                    });
                }
                Err(error) => {
                    // Out of file descriptors, mostly. Others may be closed by the time of the next try.
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    if tokio::time::timeout(options.shutdown_timeout, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still under way at the end of the shutdown's time");
    }
}
