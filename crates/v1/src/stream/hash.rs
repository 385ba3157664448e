//! Streams that learn their own digest.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt as _;
use oci_spec::image::Digest;

use crate::{ByteStream, Error, Hasher};

impl ByteStream {
    /// This stream, and a handle that knows its digest and size once it was read to its end.
    ///
    /// `hasher` chooses the algorithm; [`Hasher::sha256`] is the usual one.
    ///
    /// ```
    /// use wharf_v1::{ByteStream, Error, Hasher};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// let (stream, measure) = ByteStream::from_bytes("asdf").hashed(Hasher::sha256());
    /// assert!(matches!(measure.get(), Err(Error::NotComputed)));
    /// stream.collect(1024).await?;
    /// assert_eq!(measure.get()?.size, 4);
    /// assert_eq!(measure.get()?.digest, wharf_v1::sha256("asdf"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn hashed(self, hasher: Hasher) -> (Self, Measure) {
        let outcome = Arc::new(OnceLock::new());
        let measure = Measure {
            outcome: Arc::clone(&outcome),
        };
        (
            Self::new(Hash {
                inner: self,
                hasher: Some(hasher),
                size: 0,
                outcome,
            }),
            measure,
        )
    }

    /// Reads this stream to its end, keeping nothing but its digest and size.
    ///
    /// # Errors
    /// What the stream yields.
    pub async fn measure(mut self, mut hasher: Hasher) -> Result<Measured, Error> {
        let mut size = 0;
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            hasher.update(&chunk);
            size += chunk.len() as u64;
        }
        Ok(Measured {
            digest: hasher.finish(),
            size,
        })
    }
}

/// Digest and size of a stream that [`ByteStream::hashed`] watches, once they are known.
#[derive(Clone, Debug)]
pub struct Measure {
    outcome: Arc<OnceLock<Option<Measured>>>,
}

/// Digest and size of bytes that went by.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Digest of all bytes.
    pub digest: Digest,
    /// How many bytes went by.
    pub size: u64,
}

impl Measure {
    /// The stream's digest and size.
    ///
    /// # Errors
    /// [`Error::NotComputed`] while the stream is being read, [`Error::Aborted`] when it failed or was
    /// dropped before its end, so that the values will never be known.
    pub fn get(&self) -> Result<Measured, Error> {
        match self.outcome.get() {
            None => Err(Error::NotComputed),
            Some(None) => Err(Error::Aborted),
            Some(Some(measured)) => Ok(measured.clone()),
        }
    }
}

struct Hash {
    inner: ByteStream,
    /// Taken when the stream ends.
    hasher: Option<Hasher>,
    size: u64,
    /// `None` inside: never to be known.
    outcome: Arc<OnceLock<Option<Measured>>>,
}

impl Hash {
    fn settle(&mut self, outcome: Option<Measured>) {
        // Only the first outcome counts, and it is this one: the hasher is gone after it.
        let _ = self.outcome.set(outcome);
    }
}

impl Stream for Hash {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(mut hasher) = self.hasher.take() else {
            return Poll::Ready(None);
        };
        let Poll::Ready(item) = Pin::new(&mut self.inner).poll_next(cx) else {
            self.hasher = Some(hasher);
            return Poll::Pending;
        };
        match &item {
            Some(Ok(chunk)) => {
                hasher.update(chunk);
                self.size += chunk.len() as u64;
                self.hasher = Some(hasher);
            }
            Some(Err(_)) => self.settle(None),
            None => {
                let measured = Measured {
                    digest: hasher.finish(),
                    size: self.size,
                };
                self.settle(Some(measured));
            }
        }
        Poll::Ready(item)
    }
}

impl Drop for Hash {
    fn drop(&mut self) {
        if self.hasher.is_some() {
            self.settle(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn known_at_the_end_only() {
        let source = ByteStream::new(stream::iter([Ok(Bytes::from("as")), Ok(Bytes::from("df"))]));
        let (mut stream, measure) = source.hashed(Hasher::sha256());
        for _ in 0..2 {
            assert!(stream.next().await.is_some());
            assert!(matches!(measure.get(), Err(Error::NotComputed)));
        }
        assert!(stream.next().await.is_none());
        drop(stream);
        let want = Measured {
            digest: crate::sha256("asdf"),
            size: 4,
        };
        assert_eq!(measure.get().expect("read to the end"), want);
    }

    #[tokio::test]
    async fn a_dropped_stream_never_publishes() {
        let (mut stream, measure) = ByteStream::from_bytes("asdf").hashed(Hasher::sha256());
        assert!(stream.next().await.is_some());
        drop(stream);
        assert!(matches!(measure.get(), Err(Error::Aborted)));
    }

    #[tokio::test]
    async fn a_failed_stream_never_publishes() {
        let source = ByteStream::new(stream::iter([Ok(Bytes::from("as")), Err(Error::Consumed)]));
        let (stream, measure) = source.hashed(Hasher::sha256());
        assert!(matches!(stream.collect(100).await, Err(Error::Consumed)));
        assert!(matches!(measure.get(), Err(Error::Aborted)));
    }
}
