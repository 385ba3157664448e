//! The encoders that this build has, as one writer.

use std::io::{self, Write};
use std::num::NonZero;

#[cfg(feature = "gzip")]
use crate::gzip::GzipEncoder;
use crate::{Compression, Error};

/// Most threads that are used without being asked for.
#[cfg(feature = "gzip")]
const THREADS_MAX: NonZero<usize> = NonZero::new(16).expect("not 0");

/// Bytes that an encoder is given at a time.
const BLOCK: usize = 128 * 1024;

/// Compresses what is written to it, in blocks of one size: encoders make other bytes of the same
/// content when it comes in other pieces, and a layer's digest must not depend on how it was read.
pub(crate) struct Encoder<W: Write> {
    codec: Codec<W>,
    block: Vec<u8>,
}

enum Codec<W: Write> {
    None(W),
    #[cfg(feature = "gzip")]
    Gzip(Box<GzipEncoder<W>>),
    #[cfg(feature = "zstd")]
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

/// As many threads as there are processors for us.
#[cfg(feature = "gzip")]
fn available() -> NonZero<usize> {
    std::thread::available_parallelism().map_or(NonZero::<usize>::MIN, |threads| threads.min(THREADS_MAX))
}

impl<W: Write> Encoder<W> {
    /// `threads` is how many compress at a time, where the format allows that; `None` for as many as
    /// there are processors.
    pub(crate) fn new(
        out: W,
        compression: Compression,
        threads: Option<NonZero<usize>>,
    ) -> Result<Self, Error> {
        #[cfg(not(feature = "gzip"))]
        let _ = threads;
        let codec = match compression {
            Compression::None => Codec::None(out),
            #[cfg(feature = "gzip")]
            Compression::Gzip { level } => {
                let encoder = GzipEncoder::new(out, level.clamp(1, 9), threads.unwrap_or_else(available));
                Codec::Gzip(Box::new(encoder.map_err(|source| Error::Spool { source })?))
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd { level } => {
                let encoder = zstd::stream::write::Encoder::new(out, level.clamp(1, 22));
                Codec::Zstd(encoder.map_err(|source| Error::Spool { source })?)
            }
            #[cfg(not(all(feature = "gzip", feature = "zstd")))]
            other => return Err(Error::Unsupported { codec: other.codec() }),
        };
        Ok(Self {
            codec,
            block: Vec::with_capacity(BLOCK),
        })
    }

    /// Writes what is still held back, and gives back the writer.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.write_block()?;
        match self.codec {
            Codec::None(out) => Ok(out),
            #[cfg(feature = "gzip")]
            Codec::Gzip(encoder) => encoder.finish(),
            #[cfg(feature = "zstd")]
            Codec::Zstd(encoder) => encoder.finish(),
        }
    }

    fn write_block(&mut self) -> io::Result<()> {
        let block = &self.block[..];
        match &mut self.codec {
            Codec::None(out) => out.write_all(block),
            #[cfg(feature = "gzip")]
            Codec::Gzip(encoder) => encoder.write_all(block),
            #[cfg(feature = "zstd")]
            Codec::Zstd(encoder) => encoder.write_all(block),
        }?;
        self.block.clear();
        Ok(())
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "gzip")]
        if let Codec::Gzip(encoder) = &mut self.codec {
            // It has blocks of its own.
            encoder.write_all(buf)?;
            return Ok(buf.len());
        }
        let taken = buf.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&buf[..taken]);
        if self.block.len() == BLOCK {
            self.write_block()?;
        }
        Ok(taken)
    }

    /// Nothing is flushed before its block is full, since that too would change what comes out.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, feature = "gzip", feature = "zstd"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode<'a>(compression: Compression, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), compression, None).expect("supported");
        for piece in pieces {
            encoder.write_all(piece).expect("in memory");
            encoder.flush().expect("in memory");
        }
        encoder.finish().expect("in memory")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn pieces_make_no_difference(seed in any::<u8>(), size in 0..400_000usize, piece in 1..200_000usize) {
            let content: Vec<u8> = (0..size).map(|n| (n.wrapping_mul(n) >> 3) as u8 ^ seed).collect();
            for compression in [Compression::None, Compression::gzip(), Compression::zstd()] {
                let whole = encode(compression, std::iter::once(&content[..]));
                prop_assert_eq!(&encode(compression, content.chunks(piece)), &whole);
            }
        }
    }
}
