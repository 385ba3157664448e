use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{Body, BoxError, Error, Phase, RedactedUrl};

use super::MinimumRate;

/// What one request has to keep to.
pub(super) struct Limits {
    pub(super) start: Instant,
    pub(super) deadline: Option<Instant>,
    pub(super) rate: Option<MinimumRate>,
    pub(super) method: Method,
    pub(super) url: RedactedUrl,
}

/// A response's body that fails when it comes too late or too slowly.
pub(super) struct Timed {
    body: Body,
    limits: Limits,
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when the reader waits.
    waiting: Option<Instant>,
    /// How long the reader waited in this window, and what it got for it.
    waited: Duration,
    bytes: u64,
}

impl Limits {
    pub(super) fn too_late(&self) -> Error {
        let allowed = self.deadline.map(|at| at.duration_since(self.start));
        self.timeout(Phase::Whole, allowed.unwrap_or_default())
    }

    pub(super) fn timeout(&self, phase: Phase, after: Duration) -> Error {
        Error::Timeout {
            method: self.method.clone(),
            url: self.url.clone(),
            phase,
            after,
        }
    }
}

impl Timed {
    pub(super) fn new(body: Body, limits: Limits) -> Self {
        Self {
            body,
            limits,
            timer: None,
            waiting: None,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// Ends a window that is over; an error if too little came in it.
    fn judge(&mut self, now: Instant) -> Result<(), Error> {
        if self.limits.deadline.is_some_and(|at| now >= at) {
            return Err(self.limits.too_late());
        }
        let Some(rate) = self.limits.rate else {
            return Ok(());
        };
        if let Some(since) = self.waiting {
            self.waited += now - since;
            self.waiting = Some(now);
        }
        if self.waited >= rate.window {
            if self.bytes < rate.bytes() {
                return Err(self.limits.timeout(Phase::Rate, rate.window));
            }
            (self.waited, self.bytes) = (Duration::ZERO, 0);
        }
        Ok(())
    }

    /// When to look again, if nothing comes until then.
    fn wake_at(&self, now: Instant) -> Option<Instant> {
        let window = self.limits.rate.map(|rate| now + (rate.window - self.waited));
        [self.limits.deadline, window].into_iter().flatten().min()
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(None | Some(Err(_))) = frame {
            return frame;
        }
        loop {
            let now = Instant::now();
            if let Err(error) = self.judge(now) {
                return Poll::Ready(Some(Err(error.into())));
            }
            if let Poll::Ready(frame) = frame {
                self.waiting = None;
                if let Some(Ok(frame)) = &frame {
                    self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                }
                return Poll::Ready(frame);
            }
            self.waiting.get_or_insert(now);
            let Some(at) = self.wake_at(now) else {
                return Poll::Pending;
            };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if timer.deadline() != at {
                timer.as_mut().reset(at);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
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
