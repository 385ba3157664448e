use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use tokio::time::{Instant, sleep_until};

use crate::{Body, BodyStream, BoxError};

use super::MinimumRate;

/// Measures how fast the connection takes the body of a request. What the body's source takes does not count.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    /// Since when the connection has had a piece and not asked for the next.
    busy: Option<Instant>,
    /// How long it was busy in this window, and with how much.
    took: Duration,
    bytes: u64,
    /// The size of the last piece: so much of it may still be under way.
    piece: u64,
}

impl Meter {
    /// The same body, measured each time that it is sent.
    pub(super) fn measure(&self, body: Body) -> Body {
        let meter = self.clone();
        body.in_pieces().map_stream(move |stream| {
            let meter = meter.clone();
            Box::pin(Measured { stream, meter })
        })
    }

    /// Ends when a window is over in which the connection took less than `rate`.
    pub(super) async fn too_slow(&self, rate: MinimumRate) {
        loop {
            let now = Instant::now();
            let left = {
                let mut taken = self.taken();
                taken.count(now);
                if taken.took >= rate.window {
                    let Some(over) = taken.bytes.checked_sub(rate.bytes()) else {
                        return;
                    };
                    (taken.took, taken.bytes) = (Duration::ZERO, over.min(taken.piece));
                }
                rate.window - taken.took
            };
            sleep_until(now + left).await;
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Adds the time until `now`, if the connection was busy in it.
    fn count(&mut self, now: Instant) {
        if let Some(since) = &mut self.busy {
            self.took += now - *since;
            *since = now;
        }
    }

    /// The connection asks for more, or never will.
    fn rest(&mut self) {
        self.count(Instant::now());
        self.busy = None;
    }
}

struct Measured {
    stream: BodyStream,
    meter: Meter,
}

impl Stream for Measured {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.meter.taken().rest();
        let piece = self.stream.as_mut().poll_next(cx);
        if let Poll::Ready(Some(Ok(piece))) = &piece {
            let mut taken = self.meter.taken();
            taken.busy = Some(Instant::now());
            taken.piece = piece.len() as u64;
            taken.bytes += taken.piece;
        }
        piece
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.meter.taken().rest();
    }
}
