//! The questions that callers ask an error.

use std::io;
use std::time::Duration;

use http::StatusCode;

use super::{Diagnostic, Error, ErrorCode, RegistryError};

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
            Self::Connect { .. } | Self::Timeout { .. } => true,
            Self::Exchange { source, .. } | Self::Body { source } => is_broken_connection(source.as_ref()),
            _ => self.registry_error().is_some_and(RegistryError::is_temporary),
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

/// Whether a connection broke, anywhere in the chain of causes.
pub(crate) fn is_broken_connection(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
        {
            return true;
        }
        if let Some(error) = error.downcast_ref::<io::Error>()
            && matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::NotConnected
                    | io::ErrorKind::UnexpectedEof
            )
        {
            return true;
        }
        if let Some(Error::Timeout { .. }) = error.downcast_ref::<Error>() {
            return true;
        }
        next = error.source();
    }
    false
}
