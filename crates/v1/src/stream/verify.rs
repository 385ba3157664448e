//! Streams that check what goes by against what was promised.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use oci_spec::image::{Descriptor, Digest};

use crate::{ByteStream, Error, Hasher};

impl ByteStream {
    /// This stream, checked against the size and digest that `descriptor` promises.
    ///
    /// Bytes are hashed as they go by and never copied. The digest is checked before the last byte is
    /// handed on, so whoever has seen all promised bytes has seen good ones; the poll after that makes
    /// sure that no further bytes follow. No byte beyond the promised size is ever handed on.
    ///
    /// The stream fails with [`Error::SizeMismatch`] when it ends early or goes on too long, and with
    /// [`Error::DigestMismatch`] when its bytes are others than promised.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] when the descriptor's digest cannot be computed.
    pub fn verified(self, descriptor: &Descriptor) -> Result<Self, Error> {
        Ok(Self::new(Verify::new(
            self,
            descriptor.digest(),
            Some(descriptor.size()),
        )?))
    }

    /// This stream, checked against `digest` alone, because its size is not known beforehand.
    ///
    /// The stream fails with [`Error::DigestMismatch`] at its end, after all bytes went by: without a
    /// size nothing can be said earlier. Prefer [`verified`](Self::verified).
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] when the digest cannot be computed.
    pub fn verified_digest(self, digest: &Digest) -> Result<Self, Error> {
        Ok(Self::new(Verify::new(self, digest, None)?))
    }
}

struct Verify {
    inner: ByteStream,
    /// Taken when the digest has been checked.
    hasher: Option<Hasher>,
    want: Digest,
    size: Option<u64>,
    read: u64,
    done: bool,
}

impl Verify {
    fn new(inner: ByteStream, want: &Digest, size: Option<u64>) -> Result<Self, Error> {
        let hasher = Some(Hasher::new(want.algorithm())?);
        Ok(Self {
            inner,
            hasher,
            want: want.clone(),
            size,
            read: 0,
            done: false,
        })
    }

    /// Takes in a chunk that came; an error when it cannot be handed on.
    fn accept(&mut self, chunk: &Bytes) -> Result<(), Error> {
        self.read = self.read.saturating_add(chunk.len() as u64);
        if let Some(want) = self.size.filter(|size| self.read > *size) {
            return Err(Error::SizeMismatch { got: self.read, want });
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(chunk);
        }
        if self.size == Some(self.read) {
            return self.check_digest();
        }
        Ok(())
    }

    fn check_end(&mut self) -> Result<(), Error> {
        match self.size {
            Some(want) if want != self.read => Err(Error::SizeMismatch { got: self.read, want }),
            _ => self.check_digest(),
        }
    }

    fn check_digest(&mut self) -> Result<(), Error> {
        let Some(hasher) = self.hasher.take() else {
            return Ok(());
        };
        let got = hasher.finish();
        if got == self.want {
            return Ok(());
        }
        Err(Error::DigestMismatch {
            got,
            want: self.want.clone(),
            read: self.read,
        })
    }
}

impl Stream for Verify {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.done {
            let item = match ready!(Pin::new(&mut self.inner).poll_next(cx)) {
                // An empty chunk says nothing, and must not be taken for a late surplus.
                Some(Ok(chunk)) if chunk.is_empty() => continue,
                Some(Ok(chunk)) => Some(self.accept(&chunk).map(|()| chunk)),
                Some(Err(error)) => Some(Err(error)),
                None => self.check_end().err().map(Err),
            };
            self.done = !matches!(item, Some(Ok(_)));
            return Poll::Ready(item);
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};
    use oci_spec::image::MediaType;

    use super::*;

    fn chunks(parts: &[&'static str]) -> ByteStream {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| Ok(Bytes::from_static(part.as_bytes())))
            .collect();
        ByteStream::new(stream::iter(parts))
    }

    fn promise(size: u64, content: &str) -> Descriptor {
        Descriptor::new(MediaType::ImageLayer, size, crate::sha256(content))
    }

    /// What is handed on, and the error's text if the stream fails.
    async fn drain(mut stream: ByteStream) -> (String, Option<String>) {
        let mut seen = String::new();
        while let Some(item) = stream.next().await {
            match item {
                Ok(chunk) => seen.push_str(std::str::from_utf8(&chunk).expect("test content is text")),
                Err(error) => {
                    assert!(stream.next().await.is_none(), "a stream ends after its error");
                    return (seen, Some(error.to_string()));
                }
            }
        }
        assert!(stream.next().await.is_none(), "a stream stays at its end");
        (seen, None)
    }

    #[track_caller]
    fn check(got: (String, Option<String>), seen: &str, error: Option<&str>) {
        assert_eq!((got.0.as_str(), got.1.as_deref()), (seen, error));
    }

    #[tokio::test]
    async fn good_bytes_pass_in_any_chunks() {
        for parts in [&["abcdef"][..], &["a", "", "bcde", "f", ""], &["abc", "def"]] {
            let stream = chunks(parts).verified(&promise(6, "abcdef")).expect("sha256");
            check(drain(stream).await, "abcdef", None);
        }
        check(
            drain(chunks(&[]).verified(&promise(0, "")).expect("sha256")).await,
            "",
            None,
        );
        check(
            drain(chunks(&["", ""]).verified(&promise(0, "")).expect("sha256")).await,
            "",
            None,
        );
    }

    #[tokio::test]
    async fn short_and_long_fail() {
        let stream = chunks(&["abc"]).verified(&promise(100, "abc")).expect("sha256");
        check(
            drain(stream).await,
            "abc",
            Some("error verifying size; got 3, want 100"),
        );
        let stream = chunks(&["abc", "d"])
            .verified(&promise(3, "abc"))
            .expect("sha256");
        check(
            drain(stream).await,
            "abc",
            Some("error verifying size; got 4, want 3"),
        );
        let stream = chunks(&["abcd"]).verified(&promise(3, "abc")).expect("sha256");
        check(
            drain(stream).await,
            "",
            Some("error verifying size; got 4, want 3"),
        );
        let stream = chunks(&["x"]).verified(&promise(0, "")).expect("sha256");
        check(
            drain(stream).await,
            "",
            Some("error verifying size; got 1, want 0"),
        );
    }

    #[tokio::test]
    async fn other_bytes_fail_before_the_last_are_handed_on() {
        let want = format!(
            "error verifying sha256 checksum after reading 6 bytes; got \"{}\", want \"{}\"",
            crate::sha256("abcdeX"),
            crate::sha256("abcdef")
        );
        let stream = chunks(&["abc", "deX"])
            .verified(&promise(6, "abcdef"))
            .expect("sha256");
        check(drain(stream).await, "abc", Some(&want));
        let stream = chunks(&["abc", "deX"])
            .verified_digest(&crate::sha256("abcdef"))
            .expect("sha256");
        check(drain(stream).await, "abcdeX", Some(&want));
    }

    #[tokio::test]
    async fn an_empty_stream_is_checked_too() {
        let (seen, error) = drain(chunks(&[]).verified(&promise(0, "other")).expect("sha256")).await;
        assert_eq!(seen, "");
        assert!(
            error
                .expect("fails")
                .starts_with("error verifying sha256 checksum after reading 0 bytes")
        );
    }

    #[tokio::test]
    async fn errors_of_the_source_pass_through() {
        let failing = ByteStream::new(stream::iter([Ok(Bytes::from_static(b"a")), Err(Error::Aborted)]));
        let stream = failing.verified(&promise(2, "ab")).expect("sha256");
        check(
            drain(stream).await,
            "a",
            Some("stream was abandoned before its end"),
        );
    }

    #[test]
    fn unknown_algorithms_are_refused_at_once() {
        let digest = Digest::try_from("md5:abc").expect("fits the grammar");
        let error = chunks(&[]).verified_digest(&digest).expect_err("not supported");
        assert!(matches!(error, Error::UnsupportedAlgorithm { algorithm } if algorithm == "md5"));
    }
}
