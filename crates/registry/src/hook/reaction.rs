//! What happens to a request that a fault meets.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};

use crate::body::Body;
use crate::hook::Gate;
use crate::problem::envelope_of;

/// What happens to a request that a [`Fault`](crate::hook::Fault) meets.
#[derive(Clone, Debug)]
pub struct Reaction(pub(super) Step);

#[derive(Clone, Debug)]
pub(super) enum Step {
    Delay(Duration),
    Hold(Gate),
    TakeBody(u64),
    DropConnection { after: u64 },
    Respond(Canned),
    DropResponse,
    Cut(u64),
    Corrupt(u64),
    Replace(Bytes),
    SetHeader(HeaderName, HeaderValue),
    RemoveHeader(HeaderName),
}

/// A response that is made up.
#[derive(Clone, Debug)]
pub(super) struct Canned {
    status: StatusCode,
    headers: http::HeaderMap,
    body: Bytes,
}

impl Reaction {
    /// Answers with this status, without doing anything. Errors have the specification's envelope.
    #[must_use]
    pub fn status(status: StatusCode) -> Self {
        let mut headers = http::HeaderMap::new();
        let mut body = Bytes::new();
        if status.is_client_error() || status.is_server_error() {
            let code = match status {
                StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
                StatusCode::FORBIDDEN => "DENIED",
                StatusCode::TOO_MANY_REQUESTS => "TOOMANYREQUESTS",
                _ => "UNSUPPORTED",
            };
            body = envelope_of(code, "as the test wants it").into();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Self(Step::Respond(Canned {
            status,
            headers,
            body,
        }))
    }

    /// Redirects to a URL with status 307.
    ///
    /// # Panics
    /// If the URL cannot be the value of a header.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        let location = HeaderValue::from_str(to).expect("a redirect's target is a header's value");
        Self::status(StatusCode::TEMPORARY_REDIRECT).with_header(LOCATION, location)
    }

    /// Sends `Retry-After` too: seconds, or a date. Only for made-up responses.
    ///
    /// # Panics
    /// If the text cannot be the value of a header.
    #[must_use]
    pub fn with_retry_after(self, value: &str) -> Self {
        self.with_header(
            RETRY_AFTER,
            HeaderValue::from_str(value).expect("seconds or a date"),
        )
    }

    /// Sends a header too. Only for made-up responses.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if let Step::Respond(canned) = &mut self.0 {
            canned.headers.append(name, value);
        }
        self
    }

    /// Sends another body. Only for made-up responses.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        if let Step::Respond(canned) = &mut self.0 {
            canned.body = body.into();
        }
        self
    }

    /// Waits before the request is looked at, by tokio's clock.
    #[must_use]
    pub fn delay(duration: Duration) -> Self {
        Self(Step::Delay(duration))
    }

    /// Waits at a gate before the request is looked at.
    #[must_use]
    pub fn hold(gate: &Gate) -> Self {
        Self(Step::Hold(gate.clone()))
    }

    /// Reads this many bytes of the request's body, or all if there are less, and loses them. A reaction
    /// that answers should follow.
    #[must_use]
    pub fn take_body(bytes: u64) -> Self {
        Self(Step::TakeBody(bytes))
    }

    /// Reads this many bytes of the request's body, or all if there are less, and breaks the connection.
    #[must_use]
    pub fn drop_connection_after(bytes: u64) -> Self {
        Self(Step::DropConnection { after: bytes })
    }

    /// Breaks the connection at once.
    #[must_use]
    pub fn drop_connection() -> Self {
        Self::drop_connection_after(0)
    }

    /// Does what was asked, and breaks the connection instead of telling.
    #[must_use]
    pub fn drop_response() -> Self {
        Self(Step::DropResponse)
    }

    /// Breaks the connection after this many bytes of the response's body.
    #[must_use]
    pub fn cut_body(after: u64) -> Self {
        Self(Step::Cut(after))
    }

    /// Flips the bits of one byte of the response's body.
    #[must_use]
    pub fn corrupt_body(at: u64) -> Self {
        Self(Step::Corrupt(at))
    }

    /// Sends other bytes than the response's own, and leaves the rest of it, but for the length.
    #[must_use]
    pub fn replace_body(bytes: impl Into<Bytes>) -> Self {
        Self(Step::Replace(bytes.into()))
    }

    /// Sets a header of the response.
    #[must_use]
    pub fn set_header(name: HeaderName, value: HeaderValue) -> Self {
        Self(Step::SetHeader(name, value))
    }

    /// Removes a header of the response.
    #[must_use]
    pub fn remove_header(name: HeaderName) -> Self {
        Self(Step::RemoveHeader(name))
    }
}

impl Canned {
    pub(super) fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::full(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        response
    }
}
