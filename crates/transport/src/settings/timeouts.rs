use std::time::Duration;

/// Time limits of single phases. There is none on a request as a whole: a slow transfer that moves is healthy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// Connecting, resolving the name included. Default: 30 s.
    pub connect: Duration,
    /// The TLS handshake. Default: 10 s.
    pub tls: Duration,
    /// From the last byte sent to the header of the response. Default: 5 min, since some registries work long on the
    /// last request of a large upload. `None`: no limit.
    pub response_header: Option<Duration>,
    /// Between two pieces of a response's body. Default: 60 s. `None`: no limit.
    pub idle: Option<Duration>,
    /// How long an unused connection is kept. Default: 90 s.
    pub pool_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            tls: Duration::from_secs(10),
            response_header: Some(Duration::from_secs(300)),
            idle: Some(Duration::from_secs(60)),
            pool_idle: Duration::from_secs(90),
        }
    }
}

impl Timeouts {
    /// Sets the limit for connecting.
    #[must_use]
    pub fn with_connect(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// Sets the limit for the TLS handshake.
    #[must_use]
    pub fn with_tls(mut self, limit: Duration) -> Self {
        self.tls = limit;
        self
    }

    /// Sets the limit for the wait between the request's last byte and the response's header.
    #[must_use]
    pub fn with_response_header(mut self, limit: Option<Duration>) -> Self {
        self.response_header = limit;
        self
    }

    /// Sets the limit for the wait between two pieces of a response's body.
    #[must_use]
    pub fn with_idle(mut self, limit: Option<Duration>) -> Self {
        self.idle = limit;
        self
    }
}
