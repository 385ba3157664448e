//! Looking through a tar archive.
//!
//! The `tar` crate reads long names into memory however long they are, so a small layer could take all
//! there is. Only its headers are used here.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read};

use tar::{EntryType, Header};

use crate::tar_format::{has_content, pax_record};

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
    /// GNU's, which counts more than `path`.
    long_name: Option<Vec<u8>>,
    records: Records,
}

/// What the last extended header says. Any before it count no more.
#[derive(Default)]
struct Records {
    path: Option<Vec<u8>>,
    /// The name of a sparse file, whose other names are made up.
    sparse_name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Ahead {
    fn into_name(self) -> Option<Vec<u8>> {
        self.records.sparse_name.or(self.long_name).or(self.records.path)
    }
}

impl Scan<'_> {
    fn run(&mut self, max_entries: u64) -> Result<(), Stop> {
        let mut ahead = Ahead::default();
        while let Some(header) = self.header()? {
            let size = header
                .entry_size()
                .map_err(|error| damaged(format!("entry {}: {error}", self.entries)))?;
            match header.entry_type() {
                EntryType::GNULongName => ahead.long_name = Some(self.metadata(size)?),
                EntryType::GNULongLink | EntryType::XGlobalHeader => {
                    self.metadata(size)?;
                }
                EntryType::XHeader => {
                    let records = self.metadata(size)?;
                    ahead.records = self.read_pax(&records)?;
                }
                kind => {
                    if self.entries == max_entries {
                        return Err(Stop::Flaw(Flaw::TooManyEntries(max_entries)));
                    }
                    self.entries += 1;
                    let ahead = std::mem::take(&mut ahead);
                    let own = ahead.records.size;
                    let name = ahead.into_name();
                    let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
                    self.names_once(&name);
                    self.skip_sparse_map(&header)?;
                    if has_content(kind.as_byte()) {
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

    fn read_pax(&self, mut records: &[u8]) -> Result<Records, Stop> {
        let mut read = Records::default();
        // Some writers fill up with zeros.
        while records.first().is_some_and(|byte| *byte != 0) {
            let record = pax_record(records);
            let (key, value, rest) =
                record.ok_or_else(|| damaged(format!("entry {}: malformed records", self.entries)))?;
            records = rest;
            match key {
                // It takes back what was said.
                _ if value.is_empty() => {}
                b"path" => read.path = Some(value.to_vec()),
                b"GNU.sparse.name" => read.sparse_name = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    let size = size.ok_or_else(|| damaged(format!("entry {}: no size", self.entries)))?;
                    read.size = Some(size);
                }
                _ => {}
            }
        }
        Ok(read)
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
