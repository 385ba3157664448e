//! Time limits on what happens within one exchange.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::origin::Origin;
use crate::{Body, BoxError, Error, Phase, RedactedUrl};

use super::connect::Shared;
use super::stream::ConnectionInfo;

/// When something was last sent of a request.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<Mutex<Instant>>);

impl Progress {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the response's header until nothing has been sent for `limit`.
pub(super) async fn header_within<F: Future>(
    response: F,
    progress: &Progress,
    limit: Duration,
) -> Option<F::Output> {
    let mut response = pin!(response);
    loop {
        let seen = progress.last();
        tokio::select! {
            biased;
            response = &mut response => return Some(response),
            () = sleep_until(seen + limit) => if progress.last() == seen { return None },
        }
    }
}

/// A request's body that notes its progress.
#[derive(Debug)]
pub(super) struct Watched {
    body: Body,
    progress: Progress,
}

impl Watched {
    pub(super) fn new(body: Body, progress: Progress) -> Self {
        Self { body, progress }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.progress.note();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response's body that fails when no piece comes for too long while its reader waits.
pub(super) struct IdleLimited {
    body: Incoming,
    limit: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    method: Method,
    url: RedactedUrl,
    outcome: Outcome,
}

impl IdleLimited {
    pub(super) fn new(
        body: Incoming,
        limit: Option<Duration>,
        method: Method,
        url: RedactedUrl,
        outcome: Outcome,
    ) -> Self {
        if body.is_end_stream() {
            outcome.succeeded();
        }
        Self {
            body,
            limit,
            timer: None,
            waiting: false,
            method,
            url,
            outcome,
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.waiting {
            // The time that the reader took for the last piece does not count.
            timer.as_mut().reset(Instant::now() + limit);
            self.waiting = true;
        }
        timer.as_mut().poll(cx).map(|()| limit)
    }
}

impl HttpBody for IdleLimited {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.waiting = false;
                if frame.is_none() {
                    self.outcome.succeeded();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|source| self.broken(source).into())))
            }
            Poll::Pending => {
                let after = ready!(self.poll_timer(cx));
                let (method, url) = (self.method.clone(), self.url.clone());
                Poll::Ready(Some(Err(Error::Timeout {
                    method,
                    url,
                    phase: Phase::Idle,
                    after,
                }
                .into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl IdleLimited {
    fn broken(&self, source: hyper::Error) -> Error {
        self.outcome.failed(&self.method, &self.url, source.into())
    }
}

/// Over which connection an exchange went, and who wants to know how it ended.
pub(super) struct Outcome {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Option<ConnectionInfo>,
    pub(super) origin: Origin,
}

impl Outcome {
    fn succeeded(&self) {
        if self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.is_h2)
        {
            self.shared.hosts.note_success(&self.origin);
        }
    }

    /// The error for a connection that broke.
    pub(super) fn failed(&self, method: &Method, url: &RedactedUrl, source: BoxError) -> Error {
        if let Some(connection) = &self.connection {
            self.shared
                .hosts
                .note_failure(&self.origin, connection, source.as_ref());
            #[cfg(feature = "tls")]
            if let Some(failure) = connection.broken.get().and_then(super::tls::failure) {
                // In TLS 1.3 a server says only after the handshake what it thinks of the client's certificate.
                return Error::Tls {
                    origin: self.origin.clone(),
                    failure,
                    source,
                };
            }
        }
        Error::Exchange {
            method: method.clone(),
            url: url.clone(),
            source,
        }
    }
}
