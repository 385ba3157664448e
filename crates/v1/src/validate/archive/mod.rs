//! Looking through a tar archive.
//!
//! The `tar` crate reads long names into memory however long they are, so a small layer could take all
//! there is. Only its headers are used here.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read};

use tar::{EntryType, Header, PaxExtensions};

const BLOCK: usize = 512;

/// Bytes of a long name or of extended headers, at most. File systems end at 4096 for a name.
const METADATA_LIMIT: u64 = 1024 * 1024;

/// Names that are told to be there twice, at most.
const DUPLICATES: usize = 100;

/// Bytes of a name that are told, at most.
const TOLD: usize = 4096;

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is none, or not whole.
    Damaged(String),
    /// This name is there twice.
    Duplicate(String),
    /// There are more entries than this.
    TooManyEntries(u64),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(what) => f.write_str(what),
            Self::Duplicate(name) => f.write_str(name),
            Self::TooManyEntries(limit) => write!(f, "more than {limit} entries"),
        }
    }
}

/// Looks through the archive up to its end, or as far as it can be understood.
///
/// # Errors
/// Those of the reader.
pub(super) fn scan(reader: &mut dyn Read, max_entries: u64) -> io::Result<Vec<Flaw>> {
    let mut scan = Scan {
        reader,
        names: Names::default(),
        flaws: Vec::new(),
        entries: 0,
    };
    match scan.run(max_entries) {
        Ok(()) => {}
        Err(Stop::Flaw(flaw)) => scan.flaws.push(flaw),
        Err(Stop::Io(error)) => return Err(error),
    }
    Ok(scan.flaws)
}

enum Stop {
    Flaw(Flaw),
    Io(io::Error),
}

fn damaged(what: impl Into<String>) -> Stop {
    Stop::Flaw(Flaw::Damaged(what.into()))
}

struct Scan<'a> {
    reader: &'a mut dyn Read,
    names: Names,
    flaws: Vec<Flaw>,
    entries: u64,
}

/// What entries before an entry say of it.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Scan<'_> {
    fn run(&mut self, max_entries: u64) -> Result<(), Stop> {
        let mut ahead = Ahead::default();
        while let Some(header) = self.header()? {
            let size = header
                .entry_size()
                .map_err(|error| damaged(format!("entry {}: {error}", self.entries)))?;
            match header.entry_type() {
                EntryType::GNULongName => ahead.name = Some(self.metadata(size)?),
                EntryType::GNULongLink | EntryType::XGlobalHeader => {
                    self.metadata(size)?;
                }
                EntryType::XHeader => {
                    let records = self.metadata(size)?;
                    self.read_pax(&records, &mut ahead)?;
                }
                kind => {
                    if self.entries == max_entries {
                        return Err(Stop::Flaw(Flaw::TooManyEntries(max_entries)));
                    }
                    self.entries += 1;
                    let Ahead { name, size: own } = std::mem::take(&mut ahead);
                    let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
                    self.names_once(&name);
                    self.skip_sparse_map(&header)?;
                    if !is_header_only(kind) {
                        self.skip(own.unwrap_or(size))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The next header; none at the end of the archive.
    fn header(&mut self) -> Result<Option<Header>, Stop> {
        let mut block = [0; BLOCK];
        match self.fill(&mut block)? {
            0 => return Ok(None),
            BLOCK => {}
            _ => return Err(damaged("it ends within a header")),
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block).clone();
        // The sum counts its own field as blanks.
        let sum = block[..148]
            .iter()
            .chain(&block[156..])
            .map(|byte| u32::from(*byte));
        let sum = sum.sum::<u32>() + 8 * u32::from(b' ');
        if header.cksum().is_ok_and(|stated| stated == sum) {
            Ok(Some(header))
        } else {
            Err(damaged(format!(
                "header {}: not one of a tar archive",
                self.entries
            )))
        }
    }

    /// Reads what describes the entry that follows.
    fn metadata(&mut self, size: u64) -> Result<Vec<u8>, Stop> {
        if size > METADATA_LIMIT {
            return Err(damaged(format!(
                "entry {}: {size} bytes of metadata",
                self.entries
            )));
        }
        let mut bytes = Vec::new();
        let read = (&mut *self.reader).take(size).read_to_end(&mut bytes);
        read.map_err(Stop::Io)?;
        if bytes.len() as u64 != size {
            return Err(damaged("it ends within an entry"));
        }
        self.skip_bytes(padding(size))?;
        if bytes.last() == Some(&0) {
            bytes.pop();
        }
        Ok(bytes)
    }

    fn read_pax(&self, records: &[u8], ahead: &mut Ahead) -> Result<(), Stop> {
        for record in PaxExtensions::new(records) {
            let record = record.map_err(|error| damaged(format!("entry {}: {error}", self.entries)))?;
            match record.key_bytes() {
                // The second one is the name of a sparse file, whose `path` is made up.
                b"path" if ahead.name.is_none() => ahead.name = Some(record.value_bytes().to_vec()),
                b"GNU.sparse.name" => ahead.name = Some(record.value_bytes().to_vec()),
                b"size" => {
                    let size = record.value().ok().and_then(|text| text.parse().ok());
                    let size = size.ok_or_else(|| damaged(format!("entry {}: no size", self.entries)))?;
                    ahead.size = Some(size);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Skips the blocks that go on with the map of a sparse file of the old GNU format.
    fn skip_sparse_map(&mut self, header: &Header) -> Result<(), Stop> {
        let gnu = header
            .as_gnu()
            .filter(|_| header.entry_type() == EntryType::GNUSparse);
        let mut more = gnu.is_some_and(tar::GnuHeader::is_extended);
        while more {
            let mut block = [0; BLOCK];
            if self.fill(&mut block)? != BLOCK {
                return Err(damaged("it ends within the map of a sparse file"));
            }
            // 21 entries of 24 bytes, then whether another block follows.
            more = block[504] != 0;
        }
        Ok(())
    }

    fn skip(&mut self, size: u64) -> Result<(), Stop> {
        self.skip_bytes(size)?;
        self.skip_bytes(padding(size))
    }

    fn skip_bytes(&mut self, count: u64) -> Result<(), Stop> {
        let skipped = io::copy(&mut (&mut *self.reader).take(count), &mut io::sink());
        if skipped.map_err(Stop::Io)? == count {
            Ok(())
        } else {
            Err(damaged("it ends within an entry"))
        }
    }

    /// Reads as much as there is, up to the whole of `buf`.
    fn fill(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        let mut filled = 0;
        while filled < buf.len() {
            match self.reader.read(&mut buf[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::Io(error)),
            }
        }
        Ok(filled)
    }

    fn names_once(&mut self, name: &[u8]) {
        if !self.names.insert(name) && self.flaws.len() < DUPLICATES {
            let name = String::from_utf8_lossy(&name[..name.len().min(TOLD)]).into_owned();
            self.flaws.push(Flaw::Duplicate(name));
        }
    }
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// Whether an entry of this type has no content, whatever its size says; Go's reader has it so.
fn is_header_only(kind: EntryType) -> bool {
    matches!(
        kind,
        EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo
    )
}

/// Names that were there, by two hashes with keys that nobody outside knows: 16 bytes for each.
#[derive(Default)]
struct Names {
    seen: HashSet<(u64, u64)>,
    keys: (RandomState, RandomState),
}

impl Names {
    /// Whether the name is new. Spellings of one path are one name: `a`, `./a`, `/a`, `a/`, `b/../a`.
    fn insert(&mut self, name: &[u8]) -> bool {
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in name.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        self.seen
            .insert((self.keys.0.hash_one(&parts), self.keys.1.hash_one(&parts)))
    }
}

#[cfg(test)]
mod tests;
