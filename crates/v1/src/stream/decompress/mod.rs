//! Streams that undo compression.

mod limits;

use std::io::{self, BufRead, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_core::Stream;
use tokio::task::coop;

use super::CHUNK;
use crate::{ByteStream, Codec, Error};

pub use limits::DecompressLimits;

impl ByteStream {
    /// The uncompressed form of this stream, whatever its first bytes say that it is: gzip (of any
    /// number of members), zstd (of any number of frames), or, passed through, anything else.
    ///
    /// Decompression happens as the stream is polled, at most one chunk of 64 KiB at a time, so that
    /// content which swells enormously costs time but no memory. A long run of
    /// chunks gives way to other tasks now and then.
    ///
    /// The stream fails with [`Error::Decompress`] when the compressed content is damaged or ends
    /// early, or when the build lacks the feature (`gzip`, `zstd`) that reads it. The source is read
    /// to its end before the decompressed stream ends, so checks that the source does on itself are
    /// done by then.
    #[must_use]
    pub fn decompressed(self) -> Self {
        self.decompressed_within(DecompressLimits::default())
    }

    /// As [`decompressed`](Self::decompressed), for content that may be hostile: the stream fails with
    /// [`Error::TooLarge`] or [`Error::Swells`] once more comes out than the limits allow.
    #[must_use]
    pub fn decompressed_within(self, limits: DecompressLimits) -> Self {
        Self::new(Decompress {
            source: self,
            state: State::Sniff(BytesMut::new()),
            limits,
            taken: 0,
            made: 0,
        })
    }
}

struct Decompress {
    source: ByteStream,
    state: State,
    limits: DecompressLimits,
    /// Bytes that the source gave.
    taken: u64,
    /// Bytes that came out.
    made: u64,
}

enum State {
    Sniff(BytesMut),
    Pass(Bytes),
    Decode(Box<Decode>),
    Done,
}

impl Decompress {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        loop {
            match &mut self.state {
                State::Sniff(head) => {
                    if head.len() < Codec::MAGIC_LEN
                        && let Some(chunk) = ready!(Pin::new(&mut self.source).poll_next(cx)?)
                    {
                        head.extend_from_slice(&chunk);
                        continue;
                    }
                    let head = head.split().freeze();
                    self.state = match Codec::detect(&head) {
                        Codec::None => State::Pass(head),
                        codec => {
                            self.taken = head.len() as u64;
                            State::Decode(Box::new(Decode::new(codec, head, self.limits)?))
                        }
                    };
                }
                State::Pass(head) if !head.is_empty() => return Poll::Ready(Ok(Some(std::mem::take(head)))),
                State::Pass(_) => return Pin::new(&mut self.source).poll_next(cx).map(Option::transpose),
                State::Decode(decode) => {
                    let budget = ready!(coop::poll_proceed(cx));
                    let item = ready!(decode.poll(&mut self.source, &mut self.taken, cx));
                    budget.made_progress();
                    return Poll::Ready(item);
                }
                State::Done => return Poll::Ready(Ok(None)),
            }
        }
    }
}

impl Stream for Decompress {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = match ready!(self.poll(cx)) {
            Ok(Some(chunk)) => {
                self.made += chunk.len() as u64;
                // Content that passes as it is has no ratio.
                let decodes = matches!(self.state, State::Decode(_));
                let taken = if decodes { self.taken } else { self.made };
                Some(self.limits.check(taken, self.made).map(|()| chunk))
            }
            other => other.transpose(),
        };
        if !matches!(item, Some(Ok(_))) {
            self.state = State::Done;
        }
        Poll::Ready(item)
    }
}

/// A decoder, and the chunk that it is filling.
struct Decode {
    decoder: Decoder,
    /// The decoder has seen all that the source has given so far. It is not asked again before there
    /// is more: zstd takes many fruitless calls in a row for a fault.
    starved: bool,
    out: Vec<u8>,
    filled: usize,
}

impl Decode {
    fn new(codec: Codec, head: Bytes, limits: DecompressLimits) -> Result<Self, Error> {
        let feed = Feed {
            chunk: head,
            ended: false,
        };
        let decoder = Decoder::new(codec, feed, limits)?;
        Ok(Self {
            decoder,
            starved: false,
            out: Vec::new(),
            filled: 0,
        })
    }

    fn poll(
        &mut self,
        source: &mut ByteStream,
        taken: &mut u64,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Error>> {
        loop {
            if self.starved {
                match Pin::new(&mut *source).poll_next(cx)? {
                    Poll::Ready(Some(chunk)) if chunk.is_empty() => continue,
                    Poll::Ready(Some(chunk)) => {
                        *taken += chunk.len() as u64;
                        self.decoder.feed().chunk = chunk;
                    }
                    Poll::Ready(None) => self.decoder.feed().ended = true,
                    // What is there already goes on its way.
                    Poll::Pending if self.filled > 0 => return Poll::Ready(Ok(self.take())),
                    Poll::Pending => return Poll::Pending,
                }
                self.starved = false;
            }
            self.out.resize(CHUNK, 0);
            match self.decoder.read(&mut self.out[self.filled..]) {
                Ok(0) => return Poll::Ready(Ok(self.take())),
                Ok(n) => {
                    self.filled += n;
                    if self.filled == self.out.len() {
                        return Poll::Ready(Ok(self.take()));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.starved = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let codec = self.decoder.codec().name();
                    return Poll::Ready(Err(Error::Decompress {
                        codec,
                        source: error.into(),
                    }));
                }
            }
        }
    }

    /// The chunk as far as it is filled; `None` if that is not at all.
    fn take(&mut self) -> Option<Bytes> {
        let filled = std::mem::take(&mut self.filled);
        if filled == 0 {
            return None;
        }
        Some(super::chunk(&mut self.out, filled))
    }
}

/// What the source has given so far. It "would block" when more must be asked for.
struct Feed {
    chunk: Bytes,
    ended: bool,
}

impl Read for Feed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let n = available.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.chunk.is_empty() && !self.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount);
    }
}

/// A decoder that this build has. Each keeps its place when the feed would block.
enum Decoder {
    #[cfg(feature = "gzip")]
    Gzip(Box<flate2::bufread::MultiGzDecoder<Feed>>),
    #[cfg(feature = "zstd")]
    Zstd(zstd::stream::read::Decoder<'static, Feed>),
    /// No codec: content passes as it is.
    Plain(Feed),
}

impl Decoder {
    fn new(codec: Codec, feed: Feed, limits: DecompressLimits) -> Result<Self, Error> {
        #[cfg(not(feature = "zstd"))]
        let _ = limits;
        match codec {
            Codec::None => Ok(Self::Plain(feed)),
            #[cfg(feature = "gzip")]
            Codec::Gzip => Ok(Self::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(feed)))),
            #[cfg(feature = "zstd")]
            Codec::Zstd => zstd::stream::read::Decoder::with_buffer(feed)
                .and_then(|mut decoder| {
                    decoder.window_log_max(limits.window_log())?;
                    Ok(Self::Zstd(decoder))
                })
                .map_err(|error| Error::Decompress {
                    codec: "zstd",
                    source: error.into(),
                }),
            #[cfg(not(all(feature = "gzip", feature = "zstd")))]
            codec => Err(Error::Decompress {
                codec: codec.name(),
                source: format!("wharf-v1 was built without its feature `{codec}`").into(),
            }),
        }
    }

    fn codec(&self) -> Codec {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip(_) => Codec::Gzip,
            #[cfg(feature = "zstd")]
            Self::Zstd(_) => Codec::Zstd,
            Self::Plain(_) => Codec::None,
        }
    }

    fn feed(&mut self) -> &mut Feed {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip(decoder) => decoder.get_mut(),
            #[cfg(feature = "zstd")]
            Self::Zstd(decoder) => decoder.get_mut(),
            Self::Plain(feed) => feed,
        }
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip(decoder) => decoder.read(out),
            #[cfg(feature = "zstd")]
            Self::Zstd(decoder) => decoder.read(out),
            Self::Plain(feed) => feed.read(out),
        }
    }
}

#[cfg(test)]
mod tests;
