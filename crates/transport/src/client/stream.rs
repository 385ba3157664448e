//! A connection, whatever it goes through.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes both ways: TCP, TLS, a tunnel.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

pub(super) type BoxStream = Box<dyn Stream>;

/// A connection of the pool.
pub(super) struct Transported {
    io: TokioIo<BoxStream>,
    info: ConnectionInfo,
    proxied: bool,
}

/// What is known of a connection, for those who use it.
#[derive(Clone, Debug)]
pub(super) struct ConnectionInfo {
    /// A number that no other connection of this process has.
    pub(super) id: u64,
    /// Whether it speaks HTTP/2.
    pub(super) is_h2: bool,
    /// Why it broke. HTTP/2 keeps only the text of what it is told, so it is noted here.
    pub(super) broken: Arc<OnceLock<io::Error>>,
}

impl Transported {
    /// `proxied`: requests name whole URLs, because they are to a proxy.
    pub(super) fn new(stream: BoxStream, id: u64, is_h2: bool, proxied: bool) -> Self {
        Self {
            io: TokioIo::new(stream),
            info: ConnectionInfo {
                id,
                is_h2,
                broken: Arc::default(),
            },
            proxied,
        }
    }

    fn note(&self, result: &Poll<io::Result<()>>) {
        if let Poll::Ready(Err(error)) = result
            && let Some(noted) = clone(error)
        {
            self.info.broken.get_or_init(|| noted);
        }
    }
}

/// Alerts of TLS are all that is of interest.
#[cfg(feature = "tls")]
fn clone(error: &io::Error) -> Option<io::Error> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(io::Error::new(error.kind(), inner.clone()))
}

#[cfg(not(feature = "tls"))]
fn clone(_: &io::Error) -> Option<io::Error> {
    None
}

impl Connection for Transported {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.proxied).extra(self.info.clone());
        if self.info.is_h2 {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl Read for Transported {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.io).poll_read(cx, buffer);
        self.note(&result);
        result
    }
}

impl Write for Transported {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }
}
