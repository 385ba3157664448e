//! gzip with a header of our own, so that nothing of this machine gets into a digest.

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// Writes one gzip member, [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952#section-2.3).
pub(crate) struct GzipEncoder<W: Write> {
    deflate: DeflateEncoder<W>,
    crc: Crc,
}

impl<W: Write> GzipEncoder<W> {
    /// `level` is from 1 to 9.
    pub(crate) fn new(mut out: W, level: u32) -> io::Result<Self> {
        let extra_flags = match level {
            9.. => 2,
            ..=1 => 4,
            _ => 0,
        };
        // Deflate, no flags, no time, and "unknown" as the system.
        out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extra_flags, 255])?;
        // What zlib-rs calls level 1 makes layers a sixth larger than level 1 of every other tool, and
        // random content larger than it was. Its level 2 is what people mean.
        let deflate = DeflateEncoder::new(out, Compression::new(level.clamp(2, 9)));
        Ok(Self {
            deflate,
            crc: Crc::new(),
        })
    }

    pub(crate) fn write_all(&mut self, content: &[u8]) -> io::Result<()> {
        self.crc.update(content);
        self.deflate.write_all(content)
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        let mut out = self.deflate.finish()?;
        out.write_all(&self.crc.sum().to_le_bytes())?;
        // Modulo 2^32, as the format has it.
        out.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn encode(content: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = GzipEncoder::new(Vec::new(), level).expect("in memory");
        encoder.write_all(content).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn headers() {
        for (level, extra_flags) in [(1, 4), (2, 0), (6, 0), (9, 2)] {
            let encoded = encode(b"content", level);
            assert_eq!(
                encoded[..10],
                [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extra_flags, 255],
                "level {level}"
            );
        }
    }

    #[test]
    fn what_cannot_be_compressed_hardly_grows() {
        let mut state = 1u64;
        let random: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(1 << 20)
        .collect();
        let grown = encode(&random, 1).len() - random.len();
        assert!(grown < random.len() / 1000, "{grown} bytes more");
    }

    proptest! {
        #[test]
        fn decodes_to_what_it_was(content in prop::collection::vec(any::<u8>(), 0..5000), level in 1..10u32) {
            let encoded = encode(&content, level);
            let mut decoded = Vec::new();
            flate2::read::GzDecoder::new(&encoded[..]).read_to_end(&mut decoded).expect("valid");
            prop_assert_eq!(decoded, content);
        }
    }
}
