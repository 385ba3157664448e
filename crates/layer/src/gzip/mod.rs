//! gzip with a header of our own, so that nothing of this machine gets into a digest.

mod block;
mod fast;
mod pool;

use std::io::{self, Write};
use std::num::NonZero;

use flate2::Crc;

use self::block::{Block, Deflated, Deflater};
use self::pool::Pool;

/// Blocks that are deflated on the caller's thread before others are started: a small layer needs none.
const ALONE: usize = 4;

/// Writes one gzip member, [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952#section-2.3).
///
/// Its content is deflated in blocks that know what precedes them, but do not need it compressed, so
/// several threads work at a time. How many there are, and in what pieces content comes, makes no
/// difference to what is written. A few blocks for each thread are in memory.
pub(crate) struct GzipEncoder<W: Write> {
    out: W,
    crc: Crc,
    block: Block,
    level: u32,
    /// Blocks that are still to be deflated here. Without other threads that is all of them.
    alone: usize,
    threads: NonZero<usize>,
    /// What deflates here, as long as that is done.
    deflater: Option<Deflater>,
    pool: Option<Pool>,
}

impl<W: Write> GzipEncoder<W> {
    /// `level` is from 1 to 9.
    pub(crate) fn new(mut out: W, level: u32, threads: NonZero<usize>) -> io::Result<Self> {
        let extra_flags = match level {
            9.. => 2,
            ..=1 => 4,
            _ => 0,
        };
        // Deflate, no flags, no time, and "unknown" as the system.
        out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extra_flags, 255])?;
        Ok(Self {
            out,
            crc: Crc::new(),
            block: Block::first(),
            level,
            alone: if threads.get() == 1 { usize::MAX } else { ALONE },
            threads,
            deflater: None,
            pool: None,
        })
    }

    pub(crate) fn write_all(&mut self, mut content: &[u8]) -> io::Result<()> {
        while !content.is_empty() {
            let taken = self.block.fill(content);
            content = &content[taken..];
            if self.block.is_full() {
                self.end_block(false)?;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.end_block(true)?;
        while let Some(deflated) = self.pool.as_mut().and_then(Pool::take) {
            self.write_block(&deflated?)?;
        }
        self.out.write_all(&self.crc.sum().to_le_bytes())?;
        // Modulo 2^32, as the format has it.
        self.out.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.out)
    }

    fn end_block(&mut self, last: bool) -> io::Result<()> {
        let next = self.block.next();
        let block = std::mem::replace(&mut self.block, next);
        if self.alone == 0 && self.pool.is_none() {
            match Pool::start(self.threads, self.level) {
                Ok(pool) => (self.pool, self.deflater) = (Some(pool), None),
                // The system has no more threads. It takes longer alone, that is all.
                Err(_) => self.alone = usize::MAX,
            }
        }
        let Some(pool) = &mut self.pool else {
            self.alone -= 1;
            let deflater = self.deflater.get_or_insert_with(|| Deflater::new(self.level));
            let deflated = deflater.deflate(&block, last)?;
            return self.write_block(&deflated);
        };
        let done = if pool.is_busy() { pool.take() } else { None };
        pool.give(block, last)?;
        match done {
            Some(deflated) => self.write_block(&deflated?),
            None => Ok(()),
        }
    }

    fn write_block(&mut self, deflated: &Deflated) -> io::Result<()> {
        self.crc.combine(&deflated.crc);
        self.out.write_all(&deflated.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn encode_in(content: &[u8], level: u32, threads: usize, piece: usize) -> Vec<u8> {
        let threads = NonZero::new(threads).expect("some");
        let mut encoder = GzipEncoder::new(Vec::new(), level, threads).expect("in memory");
        for piece in content.chunks(piece) {
            encoder.write_all(piece).expect("in memory");
        }
        encoder.finish().expect("in memory")
    }

    fn encode(content: &[u8], level: u32) -> Vec<u8> {
        encode_in(content, level, 2, 100_000)
    }

    fn decode(encoded: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::new();
        let mut decoder = flate2::bufread::GzDecoder::new(encoded);
        decoder.read_to_end(&mut decoded).expect("valid");
        assert!(
            decoder.into_inner().is_empty(),
            "one member, and nothing after it"
        );
        decoded
    }

    fn random(seed: u64) -> impl Iterator<Item = u8> {
        let mut state = seed;
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
    }

    /// Words, with runs and with parts that cannot be compressed.
    fn mixed(seed: u64, size: usize) -> Vec<u8> {
        let mut random = random(seed);
        let mut byte = || random.next().expect("endless");
        let mut content = Vec::new();
        while content.len() < size {
            match byte() % 8 {
                0 => content.extend((0..byte()).map(|_| byte())),
                1 => content.extend(vec![byte(); usize::from(byte()) * 5]),
                2 if content.len() > 300 => {
                    let start = content.len() - 300 + usize::from(byte());
                    let length = content.len() - start;
                    content.extend_from_within(start..start + length.min(usize::from(byte())));
                }
                _ => content
                    .extend([&b"the "[..], b"quick", b"brown\n", b"0123456789"][usize::from(byte()) % 4]),
            }
        }
        content.truncate(size);
        content
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
        let random: Vec<u8> = random(1).take(1 << 20).collect();
        let grown = encode(&random, 1).len() - random.len();
        assert!(grown < random.len() / 1000, "{grown} bytes more");
    }

    #[test]
    fn blocks_cost_little() {
        let content = mixed(7, 3 << 20);
        for level in [1, 2, 6, 9] {
            let mut whole = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(level));
            whole.write_all(&content).expect("in memory");
            let whole = whole.finish().expect("in memory").len();
            let blocks = encode(&content, level).len();
            assert!(blocks < whole + whole / 50, "level {level}: {blocks} and {whole}");
        }
    }

    #[test]
    fn sizes_around_a_block_decode() {
        for blocks in [1, 2, 5, 6] {
            for size in [
                blocks * block::BLOCK - 1,
                blocks * block::BLOCK,
                blocks * block::BLOCK + 1,
            ] {
                let content = mixed(size as u64, size);
                assert!(decode(&encode(&content, 1)) == content, "{size}");
            }
        }
    }

    #[test]
    fn small_content_starts_no_thread() {
        let mut encoder = GzipEncoder::new(Vec::new(), 1, NonZero::new(8).expect("some")).expect("in memory");
        encoder
            .write_all(&vec![1; ALONE * block::BLOCK])
            .expect("in memory");
        assert!(encoder.pool.is_none());
        encoder.write_all(&vec![1; block::BLOCK]).expect("in memory");
        assert!(encoder.pool.is_some());
    }

    #[test]
    fn an_output_that_fails_ends_the_work() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(buf.len()).ok_or(io::ErrorKind::StorageFull)?;
                Ok(buf.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let content: Vec<u8> = random(3).take(4 << 20).collect();
        for room in [10, 300_000, 2_000_000, 4_200_000] {
            let mut encoder = GzipEncoder::new(Full(room), 1, NonZero::new(3).expect("some")).expect("room");
            let written = encoder.write_all(&content);
            let result = written.and_then(|()| encoder.finish().map(drop));
            assert_eq!(result.is_ok(), room > content.len(), "{room}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn threads_and_pieces_make_no_difference(
            seed in any::<u64>(),
            size in 0..(9 * block::BLOCK),
            piece in 1..(2 * block::BLOCK),
            level in 1..10u32,
        ) {
            let content = mixed(seed, size);
            let alone = encode_in(&content, level, 1, usize::MAX);
            prop_assert!(decode(&alone) == content);
            for threads in 2..=8 {
                prop_assert!(encode_in(&content, level, threads, piece) == alone, "{threads} threads");
            }
        }

        #[test]
        fn decodes_to_what_it_was(content in prop::collection::vec(any::<u8>(), 0..5000), level in 1..10u32) {
            prop_assert_eq!(decode(&encode(&content, level)), content);
        }
    }
}
