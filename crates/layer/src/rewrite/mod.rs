//! Changes to the headers of a tar archive, made while it goes by.
//!
//! Content is passed on as it comes and never held. What is not changed stays as it is, byte for byte,
//! but for what follows the end of the archive: that is dropped, since no reader sees it.

mod entry;
mod pax;
mod time;
mod windows;

use std::io::{self, Write};

use crate::Error;
use crate::header::{BLOCK, padding};

use entry::{Entry, Extension};

pub(crate) use time::set_time;

/// Largest extension (PAX records, a long name) that is read into memory, in bytes.
const EXTENSION_MAX: u64 = 1 << 20;
/// How many extensions one entry may have.
const EXTENSIONS_MAX: usize = 8;

/// What is changed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Edits {
    /// The time that all entries get, in seconds since 1970.
    pub(crate) mtime: Option<u64>,
    /// The archive becomes a layer for Windows.
    pub(crate) windows: bool,
}

impl Edits {
    pub(crate) fn is_empty(self) -> bool {
        self.mtime.is_none() && !self.windows
    }
}

/// Takes an archive in pieces and writes it changed.
#[derive(Debug)]
pub(crate) struct Rewriter {
    edits: Edits,
    state: State,
    /// The part of a block that has come.
    block: Vec<u8>,
    /// Those of the entry to come.
    extensions: Vec<Extension>,
    begun: bool,
}

#[derive(Debug)]
enum State {
    /// The next block begins an entry or an extension of one, or ends the archive.
    Header,
    /// More content of an extension is to come: so many blocks.
    Extension {
        extension: Box<Extension>,
        blocks: usize,
    },
    /// The map of a sparse file in GNU's old format goes on, then come so many bytes of content.
    SparseMap { content: u64 },
    /// So many bytes of content are to come, padding included.
    Content { left: u64 },
    /// There was one block of zeros.
    Ending,
    /// There were two.
    Ended,
}

impl Rewriter {
    pub(crate) fn new(edits: Edits) -> Self {
        Self {
            edits,
            state: State::Header,
            block: Vec::with_capacity(BLOCK),
            extensions: Vec::new(),
            begun: false,
        }
    }

    /// Takes a piece of the archive.
    pub(crate) fn push(&mut self, mut piece: &[u8], out: &mut dyn Write) -> Result<(), Error> {
        while !piece.is_empty() {
            let taken = match &mut self.state {
                State::Ended => return Ok(()),
                State::Content { left } => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(piece.len());
                    write(out, &piece[..taken])?;
                    *left -= taken as u64;
                    if *left == 0 {
                        self.state = State::Header;
                    }
                    taken
                }
                _ => {
                    let taken = (BLOCK - self.block.len()).min(piece.len());
                    self.block.extend_from_slice(&piece[..taken]);
                    if let Ok(block) = <[u8; BLOCK]>::try_from(&self.block[..]) {
                        self.block.clear();
                        self.take_block(block, out)?;
                    }
                    taken
                }
            };
            piece = &piece[taken..];
        }
        Ok(())
    }

    /// Writes what ends an archive, once all of it has come.
    pub(crate) fn finish(&mut self, out: &mut dyn Write) -> Result<(), Error> {
        // Some tools leave out the end, and readers do not mind.
        let whole = self.block.is_empty() && self.extensions.is_empty();
        match self.state {
            State::Ending | State::Ended => {}
            State::Header if whole => {}
            _ => return Err(ends_early()),
        }
        self.begin(out)?;
        write(out, &[0; 2 * BLOCK])
    }

    fn begin(&mut self, out: &mut dyn Write) -> Result<(), Error> {
        if !std::mem::replace(&mut self.begun, true) && self.edits.windows {
            windows::begin(self.edits.mtime, out)?;
        }
        Ok(())
    }

    fn take_block(&mut self, block: [u8; BLOCK], out: &mut dyn Write) -> Result<(), Error> {
        self.state = match std::mem::replace(&mut self.state, State::Header) {
            State::Header if block == [0; BLOCK] && self.extensions.is_empty() => State::Ending,
            State::Header => self.take_header(block, out)?,
            State::Extension { extension, blocks } => self.take_extension(extension, &block, blocks, out)?,
            State::SparseMap { content } => {
                write(out, &block)?;
                after_map(entry::map_goes_on(&block), content)
            }
            State::Ending if block == [0; BLOCK] => State::Ended,
            // One block of zeros between entries: readers differ on what follows.
            State::Ending => return Err(not_tar("an entry follows the end")),
            state @ (State::Content { .. } | State::Ended) => state,
        };
        Ok(())
    }

    fn take_header(&mut self, block: [u8; BLOCK], out: &mut dyn Write) -> Result<State, Error> {
        self.begin(out)?;
        if let Some((extension, size)) = Extension::new(block)? {
            if size > EXTENSION_MAX || self.extensions.len() == EXTENSIONS_MAX {
                return Err(not_tar("too many or too large headers of one entry"));
            }
            // At most 1 MiB.
            let blocks = size.div_ceil(BLOCK as u64) as usize;
            return self.hold(Box::new(extension), blocks, out);
        }
        let mut entry = Entry::new(std::mem::take(&mut self.extensions), block)?;
        if self.edits.windows {
            windows::edit_entry(&mut entry)?;
        }
        if let Some(time) = self.edits.mtime {
            time::edit_entry(&mut entry, time)?;
        }
        entry.write(out)?;
        let content = entry.size + padding(entry.size) as u64;
        Ok(after_map(entry.has_sparse_map(), content))
    }

    fn take_extension(
        &mut self,
        mut extension: Box<Extension>,
        block: &[u8; BLOCK],
        blocks: usize,
        out: &mut dyn Write,
    ) -> Result<State, Error> {
        extension.push(block);
        self.hold(extension, blocks - 1, out)
    }

    /// Waits for the rest of an extension, then keeps it for its entry. One for all entries goes on at
    /// once.
    fn hold(
        &mut self,
        mut extension: Box<Extension>,
        blocks: usize,
        out: &mut dyn Write,
    ) -> Result<State, Error> {
        if blocks > 0 {
            return Ok(State::Extension { extension, blocks });
        }
        extension.complete()?;
        if extension.is_global() {
            if let Some(time) = self.edits.mtime {
                time::edit_extension(&mut extension, time)?;
            }
            extension.write(out)?;
        } else {
            self.extensions.push(*extension);
        }
        Ok(State::Header)
    }
}

fn after_map(goes_on: bool, content: u64) -> State {
    if goes_on {
        State::SparseMap { content }
    } else if content > 0 {
        State::Content { left: content }
    } else {
        State::Header
    }
}

fn write(out: &mut dyn Write, bytes: &[u8]) -> Result<(), Error> {
    out.write_all(bytes).map_err(|source| Error::Spool { source })
}

fn not_tar(flaw: &'static str) -> Error {
    Error::NotTar {
        source: io::Error::new(io::ErrorKind::InvalidData, flaw),
    }
}

fn ends_early() -> Error {
    Error::NotTar {
        source: io::ErrorKind::UnexpectedEof.into(),
    }
}

#[cfg(test)]
mod tests;
