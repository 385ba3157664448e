//! Streams of content bytes.

mod codec;
mod decompress;
mod hash;
mod io;
mod verify;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};

use crate::Error;

pub use codec::Codec;
pub use decompress::DecompressLimits;
pub use hash::{Measure, Measured};
pub use io::BlockingReader;

/// Bytes in a chunk that we make, at most.
const CHUNK: usize = 64 * 1024;

/// The first `filled` bytes of `buf` as a chunk. Takes the buffer away, unless there are so few that a
/// copy is better than to hold all its memory.
fn chunk(buf: &mut Vec<u8>, filled: usize) -> Bytes {
    if filled < CHUNK / 4 {
        return Bytes::copy_from_slice(&buf[..filled]);
    }
    buf.truncate(filled);
    std::mem::take(buf).into()
}

/// The bytes of a blob, as they come.
///
/// A stream ends with `None`, or stops with the first error. Where it came from decides whether it
/// is verified; those of [`Layer::compressed`](crate::Layer::compressed) are.
///
/// ```
/// use futures_util::StreamExt as _;
/// use wharf_v1::oci_spec::image::{Descriptor, MediaType};
/// use wharf_v1::{ByteStream, sha256};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let promise = Descriptor::new(MediaType::ImageLayer, 4, sha256("asdf"));
/// let mut stream = ByteStream::from_bytes("asdX").verified(&promise)?;
/// while let Some(chunk) = stream.next().await {
///     assert!(chunk.is_err(), "not one wrong byte comes out");
/// }
/// # Ok(()) }
/// ```
pub struct ByteStream(BoxStream<'static, Result<Bytes, Error>>);

impl ByteStream {
    /// A stream of whatever `stream` yields.
    pub fn new(stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Self {
        Self(stream.boxed())
    }

    /// A stream of bytes that are in memory already.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed())
    }

    /// Reads the whole stream into memory, up to `limit` bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when more than `limit` bytes come, else what the stream yields.
    pub async fn collect(mut self, limit: u64) -> Result<Bytes, Error> {
        let mut first: Option<Bytes> = None;
        let mut rest = BytesMut::new();
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            let held = first.as_ref().map_or(0, Bytes::len) + rest.len();
            if (held as u64).saturating_add(chunk.len() as u64) > limit {
                return Err(Error::TooLarge { limit });
            }
            match first {
                None => first = Some(chunk),
                Some(_) => rest.extend_from_slice(&chunk),
            }
        }
        let first = first.unwrap_or_default();
        if rest.is_empty() {
            return Ok(first);
        }
        let mut all = BytesMut::with_capacity(first.len() + rest.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&rest);
        Ok(all.freeze())
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").finish_non_exhaustive()
    }
}
