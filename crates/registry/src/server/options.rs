//! Options of a server.

use std::time::Duration;

/// Options of a [`Server`](crate::server::Server).
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// How long a client may take to send the head of a request. Default: 10 seconds.
    pub header_timeout: Duration,
    /// How long a connection may go without a byte in either direction. Default: two minutes.
    pub idle_timeout: Duration,
    /// The most bytes of a request's head. Default: 64 KiB.
    pub header_limit: usize,
    /// The most requests at once on one HTTP/2 connection. Default: 256.
    pub concurrent_streams: u32,
    /// How long requests that are under way may take when the server shuts down. Default: ten seconds.
    pub shutdown_timeout: Duration,
    /// With what connections are encrypted. Default: they are not.
    #[cfg(feature = "tls")]
    pub tls: Option<super::Tls>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            header_limit: 64 << 10,
            concurrent_streams: 256,
            shutdown_timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl ServerOptions {
    /// Sets [`tls`](Self::tls).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: super::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets [`header_timeout`](Self::header_timeout).
    #[must_use]
    pub fn with_header_timeout(mut self, header_timeout: Duration) -> Self {
        self.header_timeout = header_timeout;
        self
    }

    /// Sets [`idle_timeout`](Self::idle_timeout).
    #[must_use]
    pub fn with_idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// Sets [`header_limit`](Self::header_limit), in bytes; at least 8 KiB.
    #[must_use]
    pub fn with_header_limit(mut self, header_limit: usize) -> Self {
        self.header_limit = header_limit.max(8 << 10);
        self
    }

    /// Sets [`concurrent_streams`](Self::concurrent_streams).
    #[must_use]
    pub fn with_concurrent_streams(mut self, concurrent_streams: u32) -> Self {
        self.concurrent_streams = concurrent_streams;
        self
    }

    /// Sets [`shutdown_timeout`](Self::shutdown_timeout).
    #[must_use]
    pub fn with_shutdown_timeout(mut self, shutdown_timeout: Duration) -> Self {
        self.shutdown_timeout = shutdown_timeout;
        self
    }
}
