//! The kinds of sources behind a body, as one erased type, and the ways to read a body to its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt as _;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{Body, BoxError, Error};

use super::BodyStream;

pub(super) type Reader = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

/// A body of any kind as a [`Reader`].
pub(super) fn erase<B>(body: B) -> Reader
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    Box::pin(Erased { body })
}

pin_project! {
    struct Erased<B> {
        #[pin]
        body: B,
    }
}

impl<B> HttpBody for Erased<B>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.project().body.poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream of bytes as a [`Reader`].
pub(super) struct StreamReader(BodyStream);

impl StreamReader {
    pub(super) fn new(stream: BodyStream) -> Self {
        Self(stream)
    }
}

impl HttpBody for StreamReader {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.as_mut().poll_next(cx).map_ok(Frame::data)
    }
}

/// The data of a body as a stream; trailers are dropped.
pub(super) struct Data(pub(super) Body);

impl Stream for Data {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Body {
    /// Reads all bytes into memory, at most `limit` of them.
    ///
    /// # Errors
    /// [`Error::BodyTooLarge`] when there are more; otherwise what the source of the bytes reports.
    pub async fn collect(self, limit: usize) -> Result<Bytes, Error> {
        let (bytes, complete) = self.collect_prefix(limit).await?;
        if complete {
            Ok(bytes)
        } else {
            Err(Error::BodyTooLarge { limit })
        }
    }

    /// Reads the first `limit` bytes into memory and says whether they are all there are.
    ///
    /// # Errors
    /// What the source of the bytes reports.
    pub async fn collect_prefix(self, limit: usize) -> Result<(Bytes, bool), Error> {
        let mut stream = Data(self);
        // Most bodies that are read this way come as one piece, which is then handed on as it is.
        let mut first: Option<Bytes> = None;
        let mut joined = BytesMut::new();
        while let Some(piece) = stream.next().await {
            let mut piece = piece.map_err(Error::from_boxed)?;
            if piece.is_empty() {
                continue;
            }
            let room = limit - first.as_ref().map_or(joined.len(), Bytes::len);
            let complete = piece.len() <= room;
            piece.truncate(room);
            if let Some(first) = first.take() {
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&piece);
            } else if joined.is_empty() {
                first = Some(piece);
            } else {
                joined.extend_from_slice(&piece);
            }
            if !complete {
                return Ok((first.unwrap_or_else(|| joined.freeze()), false));
            }
        }
        Ok((first.unwrap_or_else(|| joined.freeze()), true))
    }
}
