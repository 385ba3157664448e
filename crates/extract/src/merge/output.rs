//! The archive that is written.

use std::io::{self, Write};

use crate::Error;
use crate::archive::{BLOCK, Header, encode, padding};

/// Writes entries, up to a limit of bytes.
pub(crate) struct Output<'a> {
    out: &'a mut dyn Write,
    limit: u64,
    left: u64,
    /// Bytes of the present entry's content.
    content: u64,
    block: Vec<u8>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, limit: u64) -> Self {
        Self {
            out,
            limit,
            left: limit,
            content: 0,
            block: Vec::new(),
        }
    }

    /// Begins an entry.
    pub(crate) fn header(&mut self, header: &Header) -> io::Result<()> {
        self.block.clear();
        encode(header, &mut self.block);
        self.content = 0;
        self.out.write_all(&self.block)
    }

    /// Fills up the last block of content.
    pub(crate) fn pad(&mut self) -> io::Result<()> {
        let padding = padding(std::mem::take(&mut self.content));
        self.out.write_all(&[0; BLOCK][..padding])
    }

    /// Writes the end mark. An archive without it is not whole, so nothing else may write it.
    pub(crate) fn finish(self) -> Result<(), wharf_v1::Error> {
        Ok(self.out.write_all(&[0; 2 * BLOCK])?)
    }
}

/// Writes content.
impl Write for Output<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if buf.len() as u64 > self.left {
            let error = wharf_v1::Error::from(Error::TooLarge { limit: self.limit });
            return Err(error.into());
        }
        let written = self.out.write(buf)?;
        self.left -= written as u64;
        self.content += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
