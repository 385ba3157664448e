//! The body of responses.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::StreamExt as _;
use http_body::{Frame, SizeHint};

/// An error of any type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a response: nothing, bytes in memory, or a stream whose length is known.
///
/// A stream that fails half-way ends the body with an error, so that an HTTP server breaks the
/// connection and the client cannot take the part for the whole.
pub struct Body(Kind);

enum Kind {
    Full(Bytes),
    Stream {
        stream: BoxStream<'static, Result<Bytes, BoxError>>,
        left: u64,
    },
}

impl Body {
    /// A body without bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self(Kind::Full(Bytes::new()))
    }

    /// A body of bytes in memory.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Full(bytes.into()))
    }

    /// A body that yields what `stream` yields: `length` bytes in all, if nothing fails.
    #[must_use]
    pub fn stream<E: Into<BoxError>>(
        stream: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
        length: u64,
    ) -> Self {
        let stream = stream.map(|item| item.map_err(Into::into)).boxed();
        Self(Kind::Stream { stream, left: length })
    }

    /// Bytes that are still to come.
    #[must_use]
    pub fn length(&self) -> u64 {
        match &self.0 {
            Kind::Full(bytes) => bytes.len() as u64,
            Kind::Stream { left, .. } => *left,
        }
    }

    /// The bytes as a stream.
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes, BoxError>> {
        match self.0 {
            Kind::Full(bytes) => futures_util::stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed(),
            Kind::Stream { stream, .. } => stream,
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream { stream, left } => match std::task::ready!(stream.poll_next_unpin(cx)) {
                Some(Ok(bytes)) => {
                    *left = left.saturating_sub(bytes.len() as u64);
                    Poll::Ready(Some(Ok(Frame::data(bytes))))
                }
                Some(Err(error)) => Poll::Ready(Some(Err(error))),
                None => Poll::Ready(None),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        // A stream is asked until it ends, so that an error after the last byte is not lost.
        matches!(&self.0, Kind::Full(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("length", &self.length())
            .finish_non_exhaustive()
    }
}
