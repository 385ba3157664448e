//! One block of content, deflated apart from all others.

use std::io;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Bytes of content that are deflated apart. The size decides what comes out, so it is the same for
/// any number of threads.
pub(super) const BLOCK: usize = 256 * 1024;
/// Bytes before a block that it may refer to: as far as deflate can look back.
const DICTIONARY: usize = 32 * 1024;

/// A block of content, after as much of what precedes it as it may refer to.
#[derive(Debug)]
pub(super) struct Block {
    bytes: Vec<u8>,
    /// Where the block itself begins.
    start: usize,
}

impl Block {
    /// The first block, empty yet.
    pub(super) fn first() -> Self {
        Self {
            bytes: Vec::with_capacity(BLOCK),
            start: 0,
        }
    }

    /// The block that follows, empty yet.
    pub(super) fn next(&self) -> Self {
        let dictionary = &self.bytes[self.bytes.len().saturating_sub(DICTIONARY)..];
        let mut bytes = Vec::with_capacity(DICTIONARY + BLOCK);
        bytes.extend_from_slice(dictionary);
        Self {
            start: dictionary.len(),
            bytes,
        }
    }

    /// Takes what there is room for, and says how many bytes that is.
    pub(super) fn fill(&mut self, content: &[u8]) -> usize {
        let taken = content.len().min(BLOCK - self.content().len());
        self.bytes.extend_from_slice(&content[..taken]);
        taken
    }

    pub(super) fn is_full(&self) -> bool {
        self.content().len() == BLOCK
    }

    fn content(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn dictionary(&self) -> &[u8] {
        &self.bytes[..self.start]
    }
}

/// What became of a block.
#[derive(Debug)]
pub(super) struct Deflated {
    pub(super) bytes: Vec<u8>,
    /// Of the content.
    pub(super) crc: Crc,
}

/// Deflates block after block.
#[derive(Debug)]
pub(super) struct Deflater(Compress);

impl Deflater {
    /// `level` is from 1 to 9.
    pub(super) fn new(level: u32) -> Self {
        // What zlib-rs calls level 1 makes layers a sixth larger than level 1 of every other tool, and
        // random content larger than it was. Its level 2 is what people mean.
        Self(Compress::new(Compression::new(level.clamp(2, 9)), false))
    }

    /// The block as a part of a deflate stream: it ends on a whole byte, and ends the stream if it is
    /// the `last` one.
    pub(super) fn deflate(&mut self, block: &Block, last: bool) -> io::Result<Deflated> {
        let content = block.content();
        let mut crc = Crc::new();
        crc.update(content);
        self.0.reset();
        if !block.dictionary().is_empty() {
            self.0.set_dictionary(block.dictionary())?;
        }
        let flush = if last {
            FlushCompress::Finish
        } else {
            FlushCompress::Sync
        };
        // More than it can become, nearly always.
        let mut bytes = Vec::with_capacity(content.len() + content.len() / 8 + 64);
        loop {
            // Not more than the block has.
            let taken = self.0.total_in() as usize;
            let status = self.0.compress_vec(&content[taken..], &mut bytes, flush)?;
            let has_room = bytes.len() < bytes.capacity();
            if status == Status::StreamEnd || !last && has_room {
                return Ok(Deflated { bytes, crc });
            }
            bytes.reserve(BLOCK / 8);
        }
    }
}
