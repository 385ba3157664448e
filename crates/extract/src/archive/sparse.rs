//! Maps of sparse files: old GNU's, and the three forms of PAX.
//!
//! [Formats](https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html)

use super::header::Header;
use super::pax;
use super::reader::Damage;
use super::{BLOCK, number};

/// Content between holes: where it begins, and how many bytes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Extents of one file, at most: more than any filesystem makes of a file that is worth to be sparse.
const MAX_EXTENTS: usize = 1 << 16;

/// How the records of a header describe a sparse file.
pub(crate) enum Form {
    Dense,
    /// The map is in the records.
    Mapped(Vec<Extent>),
    /// The map comes before the content.
    Prefixed,
}

/// Finds out the form, and gives the header the name and size of the file with its holes.
pub(crate) fn form(header: &mut Header) -> Result<Form, Damage> {
    let record = |key: &str| {
        let key = [pax::SPARSE, key.as_bytes()].concat();
        header.records.get(&key).cloned()
    };
    let (major, minor) = (record("major"), record("minor"));
    let form = match (major.as_deref(), minor.as_deref(), record("map")) {
        (Some(b"1"), Some(b"0"), _) => Form::Prefixed,
        (None | Some(b"0"), _, Some(map)) => {
            let numbers = map.split(|byte| *byte == b',').map(decimal);
            Form::Mapped(pairs(numbers)?)
        }
        _ => return Ok(Form::Dense),
    };
    let size = record("realsize").or_else(|| record("size"));
    let name = record("name");
    header.size = decimal(&size.ok_or(Damage::Sparse)?)?;
    if let Some(name) = name {
        header.name = name;
    }
    header.records.retain(|key, _| !key.starts_with(pax::SPARSE));
    Ok(form)
}

/// The map of old GNU's form: four extents in the header, more in the blocks that follow it.
#[derive(Debug, Default)]
pub(crate) struct OldMap {
    extents: Vec<Extent>,
}

impl OldMap {
    /// Takes in the header; whether a block of more extents follows, and the file's size.
    pub(crate) fn header(&mut self, block: &[u8; BLOCK]) -> Result<(bool, u64), Damage> {
        self.take(&block[386..482])?;
        let size = number::parse(&block[483..495]).and_then(|size| u64::try_from(size).ok());
        Ok((block[482] != 0, size.ok_or(Damage::Sparse)?))
    }

    /// Takes in a further block; whether one more follows.
    pub(crate) fn block(&mut self, block: &[u8; BLOCK]) -> Result<bool, Damage> {
        self.take(&block[..504])?;
        Ok(block[504] != 0)
    }

    pub(crate) fn into_extents(self) -> Vec<Extent> {
        self.extents
    }

    fn take(&mut self, fields: &[u8]) -> Result<(), Damage> {
        for pair in fields.chunks_exact(24) {
            if pair[0] == 0 || pair[12] == 0 {
                break;
            }
            let field = |field: &[u8]| {
                let value = number::parse(field).and_then(|value| u64::try_from(value).ok());
                value.ok_or(Damage::Sparse)
            };
            if self.extents.len() == MAX_EXTENTS {
                return Err(Damage::Sparse);
            }
            self.extents.push(Extent {
                offset: field(&pair[..12])?,
                length: field(&pair[12..])?,
            });
        }
        Ok(())
    }
}

/// How many lines the map has that comes before the content, from its first line.
pub(crate) fn lines(text: &[u8]) -> Result<usize, Damage> {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match usize::try_from(decimal(first)?) {
        Ok(count) if count <= MAX_EXTENTS => Ok(1 + 2 * count),
        _ => Err(Damage::Sparse),
    }
}

/// The map that comes before the content, which has so many lines.
pub(crate) fn prefix(text: &[u8], lines: usize) -> Result<Vec<Extent>, Damage> {
    let numbers = text.split(|byte| *byte == b'\n').take(lines).skip(1);
    pairs(numbers.map(decimal))
}

/// Checks that extents are in order and within a file of `size`, and hold `stored` bytes.
pub(crate) fn check(extents: &[Extent], size: u64, stored: u64) -> Result<(), Damage> {
    let (mut end, mut total) = (0u64, 0u64);
    for extent in extents {
        if extent.offset < end {
            return Err(Damage::Sparse);
        }
        end = extent.offset.checked_add(extent.length).ok_or(Damage::Sparse)?;
        // No more than `end`, so it does not overflow.
        total += extent.length;
    }
    if end > size || total != stored {
        return Err(Damage::Sparse);
    }
    Ok(())
}

fn pairs(mut numbers: impl Iterator<Item = Result<u64, Damage>>) -> Result<Vec<Extent>, Damage> {
    let mut extents = Vec::new();
    while let Some(offset) = numbers.next() {
        let length = numbers.next().ok_or(Damage::Sparse)??;
        if extents.len() == MAX_EXTENTS {
            return Err(Damage::Sparse);
        }
        extents.push(Extent {
            offset: offset?,
            length,
        });
    }
    Ok(extents)
}

fn decimal(text: &[u8]) -> Result<u64, Damage> {
    let text = std::str::from_utf8(text).map_err(|_| Damage::Sparse)?;
    text.parse().map_err(|_| Damage::Sparse)
}
