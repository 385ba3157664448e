//! The questions that callers ask an error.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::{Diagnostic, Error, ErrorCode, Phase, RegistryError};

impl Error {
    /// The status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::NotReplayable { status, .. } => Some(*status),
            _ => self.registry_error().map(|error| error.status),
        }
    }

    /// The registry's or token server's answer, if there was one.
    #[must_use]
    pub fn registry_error(&self) -> Option<&RegistryError> {
        match self {
            Self::Registry(error) => Some(error),
            Self::Auth(error) => error.registry_error(),
            Self::NoScheme { http, .. } => http.registry_error(),
            _ => None,
        }
    }

    /// Whether the registry says that what was asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Registry(error) if error.is_not_found())
    }

    /// Whether credentials are missing or wrong.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        match self {
            Self::Auth(error) => error.is_unauthorized(),
            Self::NotReplayable { status, .. } => *status == StatusCode::UNAUTHORIZED,
            _ => self.registry_error().is_some_and(RegistryError::is_unauthorized),
        }
    }

    /// Whether the credentials are known but not allowed to do this.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.registry_error().is_some_and(RegistryError::is_denied)
    }

    /// Whether the registry asks for fewer requests.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.registry_error().is_some_and(RegistryError::is_rate_limited)
    }

    /// Whether the same request may work a little later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Auth(error) => error.is_temporary(),
            Self::Mirror(error) => error.is_temporary(),
            Self::NoScheme { http, .. } => http.is_temporary(),
            _ => match self.registry_error() {
                Some(error) => error.is_temporary(),
                None => self.cause() != Cause::Permanent,
            },
        }
    }

    /// How long the registry asks to wait before the next request, if it says.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.registry_error()?.retry_after
    }
}

impl RegistryError {
    /// Whether the registry says that what was asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
            || self.has(|code| {
                matches!(
                    code,
                    ErrorCode::BlobUnknown
                        | ErrorCode::BlobUploadUnknown
                        | ErrorCode::ManifestUnknown
                        | ErrorCode::NameUnknown
                )
            })
    }

    /// Whether credentials are missing or wrong.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// Whether the credentials are known but not allowed to do this.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.status == StatusCode::FORBIDDEN || self.has(|code| *code == ErrorCode::Denied)
    }

    /// Whether the registry asks for fewer requests.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS || self.has(|code| *code == ErrorCode::TooManyRequests)
    }

    /// Whether the same request may work a little later.
    ///
    /// A refusal stays one whatever the status is (some registries send `DENIED` with a 500), and a status that is
    /// temporary is so whatever codes come with it.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        if self.has(|code| matches!(code, ErrorCode::Denied | ErrorCode::Unauthorized)) {
            return false;
        }
        let temporary = |code: &Diagnostic| {
            matches!(
                code.code,
                ErrorCode::BlobUploadInvalid
                    | ErrorCode::TooManyRequests
                    | ErrorCode::Unknown
                    | ErrorCode::Unavailable
            )
        };
        is_temporary_status(self.status) || (!self.errors.is_empty() && self.errors.iter().all(temporary))
    }

    fn has(&self, matches: impl Fn(&ErrorCode) -> bool) -> bool {
        self.errors.iter().any(|error| matches(&error.code))
    }
}

/// Whether an answer with this status may be another one a little later. 499 and 522 are what nginx and Cloudflare
/// say when they lost one of the two sides.
pub(crate) fn is_temporary_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 499 | 500 | 502 | 503 | 504 | 522)
}

/// Why there is no answer, as far as it matters for sending the request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server certainly did not take the request.
    NotSent,
    /// The server may have taken the request.
    Broken,
    /// It would be the same again.
    Permanent,
}

impl Error {
    /// Whether a failure over `https` leaves open that the server speaks `http`. So does a proxy that gives no way to
    /// it: whether it connects to the one port says nothing about the other, and there may be another proxy for it.
    pub(crate) fn may_speak_plain(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::NotTls { .. }
                | Self::NoTls { .. }
                | Self::Proxy { .. }
                | Self::Timeout {
                    phase: Phase::Connect | Phase::Tls,
                    ..
                }
        )
    }

    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Connect { .. } => Cause::NotSent,
            Self::Proxy { source, .. } if source.is_temporary() => Cause::NotSent,
            Self::Timeout {
                phase: Phase::Connect | Phase::Tls,
                ..
            } => Cause::NotSent,
            Self::Timeout { .. } => Cause::Broken,
            Self::Tls { source, .. } | Self::NotTls { source, .. } => match cause_of(source.as_ref()) {
                // No byte of the request goes out before the handshake has ended.
                Cause::Broken => Cause::NotSent,
                cause => cause,
            },
            Self::Exchange { source, .. } | Self::Body { source } | Self::Service(source) => {
                cause_of(source.as_ref())
            }
            _ => Cause::Permanent,
        }
    }
}

/// What broke, anywhere in the chain of causes.
fn cause_of(error: &(dyn StdError + 'static)) -> Cause {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<Error>() {
            return error.cause();
        }
        if let Some(error) = error.downcast_ref::<Arc<dyn StdError + Send + Sync>>() {
            return cause_of(error.as_ref());
        }
        if let Some(error) = error.downcast_ref::<h2::Error>()
            && let Some(cause) = cause_of_reset(error)
        {
            return cause;
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
        {
            return Cause::Broken;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            if matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::NotConnected
                    | io::ErrorKind::TimedOut
                    | io::ErrorKind::UnexpectedEof
            ) {
                return Cause::Broken;
            }
            // What an `io::Error` wraps is skipped by its own `source`.
            next = error.get_ref().map(|error| error as _);
            continue;
        }
        next = error.source();
    }
    Cause::Permanent
}

/// What an HTTP/2 stream or connection that the server ended means for the request on it.
fn cause_of_reset(error: &h2::Error) -> Option<Cause> {
    match error.reason()? {
        h2::Reason::REFUSED_STREAM => Some(Cause::NotSent),
        _ if error.is_remote() && error.is_go_away() => Some(Cause::Broken),
        h2::Reason::NO_ERROR
        | h2::Reason::INTERNAL_ERROR
        | h2::Reason::CANCEL
        | h2::Reason::ENHANCE_YOUR_CALM
            if error.is_remote() =>
        {
            Some(Cause::Broken)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
