//! Errors as a client sees them: a status and the specification's JSON envelope.

use std::fmt;

use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;

use crate::body::Body;
use crate::name::DigestFault;
use crate::store;

/// The codes of the
/// [specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes)
/// that this server uses, and the one it needs for its own failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    Denied,
    DigestInvalid,
    Internal,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    TooManyRequests,
    Unauthorized,
    Unsupported,
}

impl Code {
    /// As it stands in the envelope.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::Denied => "DENIED",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::Internal => "INTERNAL_ERROR",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Unsupported => "UNSUPPORTED",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BlobUploadInvalid
            | Self::DigestInvalid
            | Self::ManifestInvalid
            | Self::NameInvalid
            | Self::SizeInvalid => StatusCode::BAD_REQUEST,
            Self::BlobUnknown
            | Self::BlobUploadUnknown
            | Self::ManifestBlobUnknown
            | Self::ManifestUnknown
            | Self::NameUnknown => StatusCode::NOT_FOUND,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

/// A request that fails: what the client is told.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// Boxed, to keep the error of nearly every function here small.
    headers: Box<HeaderMap>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    code: Code,
    message: String,
}

impl Problem {
    /// A problem with the status that goes with `code`.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        let entries = vec![Entry {
            code,
            message: message.into(),
        }];
        Self {
            status: code.status(),
            headers: Box::default(),
            entries,
        }
    }

    /// Several problems of one code; `messages` is not empty.
    pub(crate) fn all(code: Code, messages: impl IntoIterator<Item = String>) -> Self {
        let entries = messages
            .into_iter()
            .map(|message| Entry { code, message })
            .collect();
        Self {
            status: code.status(),
            headers: Box::default(),
            entries,
        }
    }

    /// Another status than the code's own.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// One more header on the response.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// More headers on the response.
    pub(crate) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// 405: the endpoint is there, the method is not.
    pub(crate) fn method(allowed: &'static str) -> Self {
        Self::new(Code::Unsupported, format!("only {allowed} here"))
            .with_header(ALLOW, HeaderValue::from_static(allowed))
    }

    /// 416 for a read beyond the end of `size` bytes.
    pub(crate) fn unsatisfiable(size: u64) -> Self {
        let whole = HeaderValue::try_from(format!("bytes */{size}")).expect("digits and punctuation");
        Self::new(
            Code::SizeInvalid,
            format!("range not satisfiable, there are {size} bytes"),
        )
        .with_status(StatusCode::RANGE_NOT_SATISFIABLE)
        .with_header(CONTENT_RANGE, whole)
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let json = envelope(&self.entries);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        *response.headers_mut() = *self.headers;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(json.len()));
        *response.body_mut() = Body::full(json);
        response
    }
}

/// The body of an error response with one entry.
pub(crate) fn envelope_of(code: &str, message: &str) -> Vec<u8> {
    let wire = WireErrors {
        errors: vec![WireError { code, message }],
    };
    serde_json::to_vec(&wire).expect("strings serialise")
}

fn envelope(entries: &[Entry]) -> Vec<u8> {
    let errors = entries
        .iter()
        .map(|entry| WireError {
            code: entry.code.as_str(),
            message: &entry.message,
        })
        .collect();
    serde_json::to_vec(&WireErrors { errors }).expect("strings serialise")
}

#[derive(Serialize)]
struct WireErrors<'a> {
    errors: Vec<WireError<'a>>,
}

#[derive(Serialize)]
struct WireError<'a> {
    code: &'a str,
    message: &'a str,
}

impl From<DigestFault> for Problem {
    fn from(fault: DigestFault) -> Self {
        Self::new(Code::DigestInvalid, fault.to_string())
    }
}

/// An error with all its causes, for the log: what the store says is short, and the cause is what to act on.
struct Chain<'a>(&'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error;
        let message = error.to_string();
        if matches!(error, Error::Full(_) | Error::Io(_) | Error::Other(_)) {
            // The client is told little; whoever runs the registry needs to know.
            tracing::error!(error = %Chain(&error), "the store failed");
        }
        match error {
            Error::BlobUnknown { .. } => Self::new(Code::BlobUnknown, message),
            Error::ManifestUnknown { .. } => Self::new(Code::ManifestUnknown, message),
            Error::RepositoryUnknown { .. } => Self::new(Code::NameUnknown, message),
            Error::UploadUnknown { .. } => Self::new(Code::BlobUploadUnknown, message),
            Error::UploadOffset { .. } => {
                Self::new(Code::BlobUploadInvalid, message).with_status(StatusCode::RANGE_NOT_SATISFIABLE)
            }
            Error::UploadLength { .. } => Self::new(Code::SizeInvalid, message),
            Error::UploadBusy => {
                Self::new(Code::BlobUploadInvalid, message).with_status(StatusCode::CONFLICT)
            }
            Error::DigestMismatch { .. } | Error::UnsupportedAlgorithm { .. } => {
                Self::new(Code::DigestInvalid, message)
            }
            Error::TooManyUploads => Self::new(Code::TooManyRequests, message)
                .with_header(http::header::RETRY_AFTER, HeaderValue::from_static("10")),
            Error::Client(_) => Self::new(Code::BlobUploadInvalid, message),
            Error::Full(_) => {
                Self::new(Code::Internal, "no space left").with_status(StatusCode::INSUFFICIENT_STORAGE)
            }
            Error::InUse => Self::new(Code::Internal, message).with_status(StatusCode::SERVICE_UNAVAILABLE),
            Error::Io(_) | Error::Other(_) => Self::new(Code::Internal, "the registry's store failed"),
        }
    }
}
