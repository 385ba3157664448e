//! What can go wrong between a request and its answer.

mod classify;
mod diagnostic;
mod registry;
mod tls;

use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::RedactedUrl;
use crate::auth::AuthError;
use crate::mirror::MirrorError;
use crate::origin::{Origin, UnsafeUrl};
use crate::proxy::ProxyFailure;

pub use self::diagnostic::{Diagnostic, ErrorCode};
pub use self::registry::RegistryError;
pub use self::tls::TlsFailure;

pub(crate) use self::classify::{Cause, is_temporary_status};
pub(crate) use self::diagnostic::printable;

/// Any error, as it comes from the source of a body or from a service of others.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong between a request and its answer.
///
/// Ask the methods rather than match: the same answer of a registry can reach a caller in several variants.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry answered with a status that the request does not [accept](crate::Accepted).
    #[error(transparent)]
    Registry(Box<RegistryError>),
    /// No connection: the name does not resolve, nobody listens, the network is down.
    #[error("connecting to {origin}")]
    Connect {
        /// Where to.
        origin: Origin,
        /// What the system said.
        source: BoxError,
    },
    /// The TLS handshake failed: the certificate is not trusted, or there is no common version of TLS.
    #[error("TLS handshake with {origin}: {failure}")]
    Tls {
        /// With whom.
        origin: Origin,
        /// What is wrong.
        failure: TlsFailure,
        /// What TLS said.
        source: BoxError,
    },
    /// The server does not speak TLS, or broke the connection in the handshake.
    #[error("TLS handshake with {origin}: the server does not seem to speak TLS")]
    NotTls {
        /// With whom.
        origin: Origin,
        /// What it spoke instead.
        source: BoxError,
    },
    /// The proxy gave no way through.
    #[error("connecting to {origin} through {proxy}")]
    Proxy {
        /// Where to.
        origin: Origin,
        /// The proxy, without user name and password.
        proxy: String,
        /// What happened at the proxy.
        source: ProxyFailure,
    },
    /// An `https` URL in a build without a TLS provider (features `aws-lc-rs` and `ring`).
    #[error(
        "cannot connect to {origin}: this build has no TLS (feature aws-lc-rs or ring of wharf-transport)"
    )]
    NoTls {
        /// Where to.
        origin: Origin,
    },
    /// Neither `https` nor `http` works at a registry for which both may be tried.
    #[error("{}; without TLS", chain(&**.https))]
    NoScheme {
        /// What happened with `https`. There can be one source only, so this one is shown with its causes.
        https: Box<Self>,
        /// What happened with `http`.
        #[source]
        http: Box<Self>,
    },
    /// Nothing happened for too long.
    #[error("{method} {url}: {phase} timed out after {}", seconds(.after))]
    Timeout {
        /// The request's method.
        method: Method,
        /// The request's URL.
        url: RedactedUrl,
        /// What was waited for.
        phase: Phase,
        /// How long it was waited for.
        after: Duration,
    },
    /// The connection broke while the request was sent or the answer was read.
    #[error("{method} {url}")]
    Exchange {
        /// The request's method.
        method: Method,
        /// The request's URL.
        url: RedactedUrl,
        /// What HTTP said.
        source: BoxError,
    },
    /// No credentials or token could be had.
    #[error(transparent)]
    Auth(Box<AuthError>),
    /// A server pointed to a URL that will not be requested.
    #[error(transparent)]
    UnsafeUrl(Box<UnsafeUrl>),
    /// A rule for mirrors allows no answer, or none of its servers had one.
    #[error(transparent)]
    Mirror(Box<MirrorError>),
    /// Redirects do not end.
    #[error("{method} {url}: {reason}")]
    Redirect {
        /// The first request's method.
        method: Method,
        /// The first request's URL.
        url: RedactedUrl,
        /// How they do not end.
        reason: RedirectLimit,
    },
    /// A request has to be sent again, but its body has been read and cannot be read again.
    #[error("{method} {url}: cannot send the body again after {status}")]
    NotReplayable {
        /// The request's method.
        method: Method,
        /// The request's URL.
        url: RedactedUrl,
        /// The answer because of which it has to be sent again.
        status: StatusCode,
    },
    /// The bytes of a body could not be read.
    #[error("reading a body")]
    Body {
        /// What its source said.
        source: BoxError,
    },
    /// A body is larger than the limit for reading it into memory.
    #[error("body exceeds {limit} byte limit")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The settings for a registry cannot be used.
    #[error("{what}")]
    Settings {
        /// Which setting.
        what: &'static str,
        /// What is wrong with it.
        source: BoxError,
    },
    /// A layer or bottom service that the user put in failed.
    #[error(transparent)]
    Service(BoxError),
}

/// A phase of a request that has a time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Connecting.
    Connect,
    /// The TLS handshake.
    Tls,
    /// From the last byte sent to the response's header.
    ResponseHeader,
    /// Between two pieces of the response's body.
    Idle,
    /// Over many pieces of the response's body, which come too slowly.
    Rate,
    /// Over many pieces of the request's body, which go too slowly.
    SendRate,
    /// The request as a whole.
    Whole,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Tls => "the TLS handshake",
            Self::ResponseHeader => "waiting for the response",
            Self::Idle => "reading the response",
            Self::Rate => "the response comes too slowly: it",
            Self::SendRate => "the request goes too slowly: it",
            Self::Whole => "the whole request",
        })
    }
}

/// How redirects do not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectLimit {
    /// There are too many of them.
    #[error("stopped after {0} redirects")]
    TooMany(usize),
    /// They lead back to a URL that was there before.
    #[error("the redirects form a cycle")]
    Cycle,
}

/// An error with its causes, for where there is one text only.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

fn seconds(duration: &Duration) -> impl fmt::Display {
    format!("{} s", duration.as_secs_f64())
}

impl Error {
    /// The error inside a box, if it is one of this type; else a box around it.
    ///
    /// Services of others report errors of their own types; errors of this crate pass through them unchanged.
    #[must_use]
    pub fn from_service(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => Self::Service(error),
        }
    }

    pub(crate) fn from_boxed(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(source) => Self::Body { source },
        }
    }
}
