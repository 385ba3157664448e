//! The body of a request: streamed to whoever wants it, and drained if nobody did.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::StreamExt as _;
use http_body::Body as HttpBody;
use http_body_util::BodyExt as _;
use wharf_v1::ByteStream;

use crate::body::BoxError;

/// How many unread bytes are taken in and thrown away to keep a connection alive after an error.
const DRAIN_LIMIT: u64 = 16 << 20;

/// A request's body. Clones share it, so that what one reader leaves another can drain.
#[derive(Clone)]
pub(crate) struct Incoming {
    state: Arc<Mutex<State>>,
    received: Arc<AtomicU64>,
}

struct State {
    body: Option<BoxStream<'static, Result<Bytes, BoxError>>>,
    /// The client waits to be asked for the body. Reading is asking.
    asleep: bool,
}

impl Incoming {
    /// The body of a request; `waits` when the client sends it only after "100 Continue".
    pub(crate) fn new<B>(body: B, waits: bool) -> Self
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let state = if body.is_end_stream() {
            State {
                body: None,
                asleep: false,
            }
        } else {
            let stream = body.into_data_stream().map(|data| match data {
                Ok(mut data) => Ok(data.copy_to_bytes(data.remaining())),
                Err(error) => Err(error.into()),
            });
            State {
                body: Some(stream.boxed()),
                asleep: waits,
            }
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            received: Arc::default(),
        }
    }

    /// The bytes, once. A further stream goes on where the one before stopped.
    pub(crate) fn stream(&self) -> ByteStream {
        let chunks = Chunks(self.clone());
        ByteStream::new(chunks.map(|chunk| chunk.map_err(wharf_v1::Error::source)))
    }

    /// Bytes that came so far.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// The counter behind [`received`](Self::received), which does not keep the body alive.
    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    /// Throws away what nobody read, so that the connection can be used again and the client, busy
    /// writing, gets to see the response. Gives up after some megabytes.
    pub(crate) fn drain(&self) {
        {
            let state = self.lock();
            if state.body.is_none() || state.asleep {
                return;
            }
        }
        let mut chunks = Chunks(self.clone());
        let limit = self.received() + DRAIN_LIMIT;
        tokio::spawn(async move {
            while let Some(Ok(_)) = chunks.next().await {
                if chunks.0.received() > limit {
                    break;
                }
            }
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Chunks(Incoming);

impl Stream for Chunks {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.lock();
        state.asleep = false;
        let Some(body) = state.body.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = std::task::ready!(body.poll_next_unpin(cx));
        match &polled {
            Some(Ok(bytes)) => {
                self.0.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            Some(Err(_)) | None => state.body = None,
        }
        Poll::Ready(polled)
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("received", &self.received())
            .finish_non_exhaustive()
    }
}
