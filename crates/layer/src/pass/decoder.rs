//! The decoders that this build has, for code that blocks.

use std::io::{BufRead, Read};

use wharf_v1::Codec;

use crate::Error;

/// What `input` holds, uncompressed. It is read to its end.
pub(super) fn decoder<'a>(codec: Codec, input: impl BufRead + 'a) -> Result<Box<dyn Read + 'a>, Error> {
    match codec {
        #[cfg(feature = "gzip")]
        Codec::Gzip => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(input))),
        #[cfg(feature = "zstd")]
        Codec::Zstd => match zstd::stream::read::Decoder::with_buffer(input) {
            Ok(mut decoder) => {
                // A frame chooses its window, and so how much memory we use: 128 MiB at most.
                decoder
                    .window_log_max(27)
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
