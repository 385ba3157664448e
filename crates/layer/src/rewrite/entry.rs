//! Entries of an archive as their blocks are.

use std::io::Write;

use tar::{EntryType, Header};
use wharf_v1::tar_format::has_content;

use crate::Error;
use crate::header::{BLOCK, checksum, padding, seal};

use super::pax::Records;
use super::{not_tar, write};

/// Where a header of GNU's old format says that the map of a sparse file goes on in another block.
const MAP_GOES_ON: usize = 482;
/// Where such a block says so itself.
const MAP_GOES_ON_AGAIN: usize = 504;

/// What begins an entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) extensions: Vec<Extension>,
    pub(super) header: Header,
    /// Bytes of content that follow, without padding.
    pub(super) size: u64,
}

impl Entry {
    pub(super) fn new(extensions: Vec<Extension>, block: [u8; BLOCK]) -> Result<Self, Error> {
        let mut entry = Self {
            extensions,
            header: parse(block)?,
            size: 0,
        };
        let records = entry.records()?;
        if has_content(entry.header.entry_type().as_byte()) {
            entry.size = match records.get(b"size") {
                Some(size) => std::str::from_utf8(size)
                    .ok()
                    .and_then(|size| size.parse().ok())
                    .ok_or_else(|| not_tar("malformed size"))?,
                None => size(&entry.header)?,
            };
            // Sizes are signed in most readers; so our sums cannot overflow either.
            if i64::try_from(entry.size).is_err() {
                return Err(not_tar("malformed size"));
            }
        } else if size(&entry.header)? != 0 || records.get(b"size").is_some_and(|size| size != b"0") {
            // Nothing follows, whatever the header says. Not all readers know that, so it says so now.
            entry.header.set_size(0);
            for extension in entry.extensions.iter_mut().filter(|extension| extension.is_pax()) {
                let mut records = extension.records()?;
                records.remove(b"size");
                extension.set_records(&records);
            }
        }
        Ok(entry)
    }

    /// The PAX records that are for this entry alone: those of the last header of them, as for other readers.
    pub(super) fn records(&self) -> Result<Records, Error> {
        let last = self.extensions.iter().rfind(|extension| extension.is_pax());
        last.map_or_else(|| Ok(Records::default()), Extension::records)
    }

    /// What GNU's extension of this type says: a name that is too long for the header.
    pub(super) fn long(&self, kind: EntryType) -> Option<&[u8]> {
        let mut found = self.extensions.iter().rev();
        let found = found.find(|extension| extension.header.entry_type() == kind)?;
        found.content.split(|byte| *byte == 0).next()
    }

    /// Whether blocks with the rest of a sparse file's map follow the header.
    pub(super) fn has_sparse_map(&self) -> bool {
        self.header.entry_type() == EntryType::GNUSparse && self.header.as_bytes()[MAP_GOES_ON] != 0
    }

    pub(super) fn write(&mut self, out: &mut dyn Write) -> Result<(), Error> {
        for extension in &mut self.extensions {
            extension.write(out)?;
        }
        write_header(&mut self.header, out)
    }
}

/// Whether a block of a sparse file's map says that another one follows.
pub(super) fn map_goes_on(block: &[u8; BLOCK]) -> bool {
    block[MAP_GOES_ON_AGAIN] != 0
}

/// An entry that says something about the next one, or about all that follow.
#[derive(Debug)]
pub(super) struct Extension {
    pub(super) header: Header,
    size: usize,
    content: Vec<u8>,
}

impl Extension {
    /// The extension that this block begins, and the size of its content; `None` if it is an entry.
    pub(super) fn new(block: [u8; BLOCK]) -> Result<Option<(Self, u64)>, Error> {
        let header = parse(block)?;
        let extends = matches!(
            header.entry_type(),
            EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName | EntryType::GNULongLink
        );
        if !extends {
            return Ok(None);
        }
        let bytes = size(&header)?;
        let extension = Self {
            header,
            size: usize::try_from(bytes).map_err(|_| not_tar("malformed size"))?,
            content: Vec::new(),
        };
        Ok(Some((extension, bytes)))
    }

    /// The extension that these blocks, which we made, are.
    pub(super) fn from_blocks(blocks: &[u8]) -> Result<Self, Error> {
        let (first, content) = blocks.split_first_chunk().ok_or_else(super::ends_early)?;
        let (mut extension, _) = Self::new(*first)?.ok_or_else(|| not_tar("no extension"))?;
        extension.content = content.to_vec();
        extension.complete()?;
        Ok(extension)
    }

    /// Adds a block of content.
    pub(super) fn push(&mut self, block: &[u8; BLOCK]) {
        self.content.extend_from_slice(block);
    }

    /// Checks the content once all of it is there.
    pub(super) fn complete(&mut self) -> Result<(), Error> {
        self.content.truncate(self.size);
        if self.is_pax() || self.is_global() {
            self.records()?;
        }
        Ok(())
    }

    pub(super) fn is_pax(&self) -> bool {
        self.header.entry_type() == EntryType::XHeader
    }

    pub(super) fn is_global(&self) -> bool {
        self.header.entry_type() == EntryType::XGlobalHeader
    }

    pub(super) fn records(&self) -> Result<Records, Error> {
        Records::parse(&self.content)
    }

    pub(super) fn set_records(&mut self, records: &Records) {
        self.content = records.to_bytes();
        self.header.set_size(self.content.len() as u64);
    }

    /// Writes it, unless nothing is left of what it said.
    pub(super) fn write(&mut self, out: &mut dyn Write) -> Result<(), Error> {
        if self.content.is_empty() && (self.is_pax() || self.is_global()) {
            return Ok(());
        }
        write_header(&mut self.header, out)?;
        write(out, &self.content)?;
        write(out, &[0; BLOCK][..padding(self.content.len() as u64)])
    }
}

fn parse(block: [u8; BLOCK]) -> Result<Header, Error> {
    let mut header = Header::new_old();
    *header.as_mut_bytes() = block;
    let sum = header.cksum().map_err(|source| Error::NotTar { source })?;
    if sum == checksum(&block) {
        Ok(header)
    } else {
        Err(not_tar("the checksum of a header is wrong"))
    }
}

fn size(header: &Header) -> Result<u64, Error> {
    header.entry_size().map_err(|source| Error::NotTar { source })
}

/// A header that nobody changed keeps the form of its checksum too.
fn write_header(header: &mut Header, out: &mut dyn Write) -> Result<(), Error> {
    let block = header.as_mut_bytes();
    let unchanged = Header::from_byte_slice(&block[..])
        .cksum()
        .is_ok_and(|sum| sum == checksum(block));
    if !unchanged {
        seal(block);
    }
    write(out, block)
}
