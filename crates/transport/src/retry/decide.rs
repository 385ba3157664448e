use std::time::Duration;

use http::{Method, StatusCode};

use crate::Error;
use crate::error::{Cause, is_temporary_status};

/// What became of one attempt.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// An answer.
    #[non_exhaustive]
    Response {
        /// Its status.
        status: StatusCode,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
        /// Whether its body says that the request was refused for good.
        refused: bool,
    },
    /// No answer.
    Failure(&'a Error),
}

/// Whether to send a request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// No.
    Stop,
    /// Yes, after a wait of the sender's choice.
    Retry,
    /// Yes, after the wait that the server asks for.
    RetryAfter(Duration),
}

/// Whether to send a request again, given what became of it. Nothing that cannot be sent again whole
/// (`can_resend`) ever is.
///
/// | outcome | GET, HEAD, PUT, DELETE, OPTIONS, and POST without a body | POST with a body, PATCH |
/// |---|---|---|
/// | no connection; the server says that it did not take the request (HTTP/2 refused stream, going away) | again | again |
/// | 408, 429, 503 | again | again |
/// | the connection broke; no answer in time | again | stop: the server may have taken it |
/// | 499, 500, 502, 504, 522 | again | stop, likewise |
/// | one of these with a diagnostic `DENIED` or `UNAUTHORIZED` | stop | stop |
/// | anything else | stop | stop |
///
/// A POST without a body starts an upload, which can be forgotten; a PATCH moves one on.
#[must_use]
pub fn decide(method: &Method, has_body: bool, can_resend: bool, outcome: &Outcome<'_>) -> Verdict {
    if !can_resend {
        return Verdict::Stop;
    }
    let repeatable = match *method {
        Method::POST => !has_body,
        Method::PATCH | Method::CONNECT => false,
        _ => true,
    };
    match outcome {
        Outcome::Failure(error) => match error.cause() {
            Cause::NotSent => Verdict::Retry,
            Cause::Broken if repeatable => Verdict::Retry,
            Cause::Broken | Cause::Permanent => Verdict::Stop,
        },
        Outcome::Response {
            status,
            retry_after,
            refused,
        } => {
            let not_taken = matches!(status.as_u16(), 408 | 429 | 503);
            if *refused || !is_temporary_status(*status) || !(repeatable || not_taken) {
                return Verdict::Stop;
            }
            retry_after.map_or(Verdict::Retry, Verdict::RetryAfter)
        }
    }
}
