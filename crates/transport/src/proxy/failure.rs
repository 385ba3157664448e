use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use http::StatusCode;

/// Why a proxy gave no way through.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProxyFailure {
    /// The proxy itself is not reached: its name does not resolve, nobody listens, TLS with it fails.
    Unreachable(Arc<dyn StdError + Send + Sync>),
    /// It wants other credentials, or any.
    Unauthorized,
    /// It answered `CONNECT` with this status.
    Status(StatusCode),
    /// It answered by this reply of SOCKS 5.
    Reply(u8),
    /// The connection with it broke.
    Broken(Arc<dyn StdError + Send + Sync>),
    /// What it said is not of the protocol.
    Protocol,
}

impl ProxyFailure {
    pub(crate) fn http(error: hyper::Error) -> Self {
        if error.is_parse() {
            Self::Protocol
        } else {
            Self::Broken(Arc::new(error))
        }
    }

    /// Whether it may be otherwise a little later. Nothing has been sent to the host behind the proxy.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Broken(_) => true,
            Self::Status(status) => matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504),
            // A general failure, no route to the network or host, refused, expired.
            Self::Reply(reply) => matches!(reply, 1 | 3..=6),
            Self::Unauthorized | Self::Protocol => false,
        }
    }
}

impl From<io::Error> for ProxyFailure {
    fn from(error: io::Error) -> Self {
        Self::Broken(Arc::new(error))
    }
}

impl fmt::Display for ProxyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(_) => f.write_str("cannot reach the proxy"),
            Self::Unauthorized => f.write_str("the proxy does not accept the credentials, or wants some"),
            Self::Status(status) => write!(f, "the proxy answered {status}"),
            Self::Reply(reply) => match reply {
                2 => f.write_str("the proxy does not allow the connection"),
                3 => f.write_str("the proxy has no route to the network"),
                4 => f.write_str("the proxy has no route to the host"),
                5 => f.write_str("the host refused the connection of the proxy"),
                6 => f.write_str("the connection of the proxy expired"),
                other => write!(f, "the proxy failed (reply {other})"),
            },
            Self::Broken(_) => f.write_str("the connection with the proxy broke"),
            Self::Protocol => f.write_str("the proxy does not speak its protocol"),
        }
    }
}

impl StdError for ProxyFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Unreachable(error) | Self::Broken(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
