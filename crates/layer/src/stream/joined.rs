//! What is read and what is made of it, as one stream.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use wharf_v1::{ByteStream, Error};

/// A stream that is made on another thread of what `feeder` moves there. Polling it drives both; dropping
/// it drops both, so that the thread ends even if its source never would.
pub(super) struct Joined {
    /// `None` when it has moved everything.
    feeder: Option<BoxFuture<'static, ()>>,
    made: ByteStream,
}

impl Joined {
    pub(super) fn new(feeder: impl Future<Output = ()> + Send + 'static, made: ByteStream) -> Self {
        Self {
            feeder: Some(Box::pin(feeder)),
            made,
        }
    }
}

impl Stream for Joined {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(feeder) = &mut self.feeder
            && feeder.as_mut().poll(cx).is_ready()
        {
            self.feeder = None;
        }
        Pin::new(&mut self.made).poll_next(cx)
    }
}
