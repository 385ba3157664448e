//! The decoders that this build has, for code that blocks.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use wharf_v1::{Codec, DecompressLimits};

use crate::Error;

/// What `input` holds, uncompressed. It is read to its end.
pub(super) fn decoder<'a>(
    codec: Codec,
    input: impl BufRead + 'a,
    limits: DecompressLimits,
) -> Result<Box<dyn Read + 'a>, Error> {
    #[cfg(not(feature = "zstd"))]
    let _ = limits;
    match codec {
        #[cfg(feature = "gzip")]
        Codec::Gzip => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(input))),
        #[cfg(feature = "zstd")]
        Codec::Zstd => match zstd::stream::read::Decoder::with_buffer(input) {
            Ok(mut decoder) => {
                decoder
                    .window_log_max(limits.window_log())
                    .map_err(|source| Error::Read { source })?;
                Ok(Box::new(decoder))
            }
            Err(source) => Err(Error::Read { source }),
        },
        codec => {
            drop(input);
            Err(Error::Unsupported { codec })
        }
    }
}

/// A reader of decompressed content that fails when it swells too much.
pub(super) struct Limited<R> {
    pub(super) reader: R,
    pub(super) limits: DecompressLimits,
    /// How many compressed bytes were read; `None` for content that comes uncompressed.
    pub(super) taken: Option<Rc<Cell<u64>>>,
    pub(super) made: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.made += read as u64;
        let taken = self.taken.as_ref().map_or(self.made, |taken| taken.get());
        self.limits.check(taken, self.made)?;
        Ok(read)
    }
}

/// A reader that counts.
pub(super) struct Counting<R> {
    pub(super) reader: R,
    pub(super) count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}
