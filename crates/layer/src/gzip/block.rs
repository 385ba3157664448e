//! One block of content, deflated apart from all others.

use std::io;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use super::fast::FastDeflate;

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
pub(super) enum Deflater {
    /// Level 1. What zlib-rs calls so makes layers a sixth larger than that level of other tools.
    Fast(FastDeflate),
    /// All others.
    Library(Compress),
}

impl Deflater {
    /// `level` is from 1 to 9.
    pub(super) fn new(level: u32) -> Self {
        if level <= 1 {
            Self::Fast(FastDeflate::new())
        } else {
            Self::Library(Compress::new(Compression::new(level), false))
        }
    }

    /// The block as a part of a deflate stream: it ends on a whole byte, and ends the stream if it is
    /// the `last` one.
    pub(super) fn deflate(&mut self, block: &Block, last: bool) -> io::Result<Deflated> {
        let mut crc = Crc::new();
        crc.update(block.content());
        let mut bytes = match self {
            Self::Fast(deflate) => deflate.deflate(&block.bytes, block.start, last),
            Self::Library(deflate) => by_library(deflate, block, last)?,
        };
        // It waits for its turn, and had room for what does not compress.
        bytes.shrink_to_fit();
        Ok(Deflated { bytes, crc })
    }
}

fn by_library(deflate: &mut Compress, block: &Block, last: bool) -> io::Result<Vec<u8>> {
    let content = block.content();
    deflate.reset();
    if block.start > 0 {
        deflate.set_dictionary(&block.bytes[..block.start])?;
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
        let taken = deflate.total_in() as usize;
        let status = deflate.compress_vec(&content[taken..], &mut bytes, flush)?;
        let has_room = bytes.len() < bytes.capacity();
        if status == Status::StreamEnd || !last && has_room {
            return Ok(bytes);
        }
        bytes.reserve(BLOCK / 8);
    }
}
