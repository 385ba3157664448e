//! Reading the entries of an archive.

use std::io::{self, BufRead, Write};

use super::header::{Header, Kind, Time};
use super::sparse::{self, Extent, Form, OldMap};
use super::{BLOCK, number, padding, pax};

/// Bytes of an entry that describes another, at most. Go's reader has the same limit.
const MAX_SPECIAL: u64 = 1 << 20;

/// Reads an archive from its beginning. Holds one entry's header at a time.
#[derive(Debug)]
pub(crate) struct TarReader<R> {
    input: R,
    /// Stored bytes of the present entry that were not read yet.
    left: u64,
    padding: usize,
}

/// An entry whose content is next in the archive.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) header: Header,
    /// Where the content goes; `None` when all of it is there.
    extents: Option<Vec<Extent>>,
}

/// What is wrong with an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("a header's checksum is wrong")]
    Checksum,
    #[error("a field of a header holds no number")]
    Number,
    #[error("an extended header is damaged")]
    Records,
    #[error("an extended header is too large")]
    TooLarge,
    #[error("the map of a sparse file is damaged")]
    Sparse,
    #[error("it ends within an entry")]
    Truncated,
}

/// Why an archive cannot be read or its content not be written.
#[derive(Debug)]
pub(crate) enum Fault {
    Input(io::Error),
    Damaged(Damage),
    Output(io::Error),
}

impl From<Damage> for Fault {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl<R: BufRead> TarReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            left: 0,
            padding: 0,
        }
    }

    /// The next entry; `None` at the end of the archive. What is left of the one before is passed over.
    pub(crate) fn next_entry(&mut self) -> Result<Option<Entry>, Fault> {
        let mut records = None;
        let (mut name, mut link) = (None, None);
        loop {
            self.pass_over()?;
            let Some(block) = self.block()? else {
                return Ok(None);
            };
            if block.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            let (mut header, flag) = parse(&block)?;
            match flag {
                b'x' | b'X' => records = Some(pax::parse(&self.special(header.size)?)?),
                b'L' => name = Some(until_nul(&self.special(header.size)?).to_vec()),
                b'K' => link = Some(until_nul(&self.special(header.size)?).to_vec()),
                // Global headers hold comments; nobody relies on them in layers.
                b'g' => self.content(header.size),
                _ => {
                    header.records = records.unwrap_or_default();
                    pax::apply(&mut header)?;
                    // GNU's count more, in Go's reader too.
                    if let Some(name) = name {
                        header.name = name;
                    }
                    if let Some(link) = link {
                        header.link = link;
                    }
                    return self.entry(header, flag, &block).map(Some);
                }
            }
        }
    }

    fn entry(&mut self, mut header: Header, flag: u8, block: &[u8; BLOCK]) -> Result<Entry, Fault> {
        if flag == 0 && header.name.ends_with(b"/") {
            header.kind = Kind::Directory;
        }
        if !header.kind.has_content() {
            header.size = 0;
        }
        let mut stored = header.size;
        let form = sparse::form(&mut header)?;
        self.content(stored);
        let extents = if flag == b'S' {
            header.kind = Kind::File;
            let mut map = OldMap::default();
            let (mut more, size) = map.header(block)?;
            while more {
                let block = self.block()?.ok_or(Damage::Truncated)?;
                more = map.block(&block)?;
            }
            header.size = size;
            Some(map.into_extents())
        } else {
            match form {
                Form::Dense => None,
                Form::Mapped(extents) => Some(extents),
                Form::Prefixed => {
                    let extents = self.map_before_content()?;
                    stored = self.left;
                    Some(extents)
                }
            }
        };
        if let Some(extents) = &extents {
            sparse::check(extents, header.size, stored)?;
        }
        if header.name.contains(&0) || header.link.contains(&0) {
            return Err(Damage::Records.into());
        }
        Ok(Entry { header, extents })
    }

    /// Writes the content of `entry`, which is the one that was read last, with its holes.
    pub(crate) fn write_content(&mut self, entry: &Entry, out: &mut dyn Write) -> Result<(), Fault> {
        let Some(extents) = &entry.extents else {
            return self.copy(self.left, out);
        };
        let mut at = 0;
        for extent in extents {
            zeros(extent.offset - at, out)?;
            self.copy(extent.length, out)?;
            at = extent.offset + extent.length;
        }
        zeros(entry.header.size - at, out)
    }

    /// Reads what is left of the input: whoever checks it as a whole checks it at its end.
    pub(crate) fn drain(mut self) -> Result<(), Fault> {
        loop {
            let available = self.input.fill_buf().map_err(Fault::Input)?.len();
            if available == 0 {
                return Ok(());
            }
            self.input.consume(available);
        }
    }

    fn content(&mut self, size: u64) {
        self.left = size;
        self.padding = padding(size);
    }

    fn copy(&mut self, count: u64, out: &mut dyn Write) -> Result<(), Fault> {
        let mut left = count;
        while left > 0 {
            let taken = self.fill(left)?.len();
            let available = self.input.fill_buf().map_err(Fault::Input)?;
            out.write_all(&available[..taken]).map_err(Fault::Output)?;
            self.input.consume(taken);
            left -= taken as u64;
            self.left = self.left.saturating_sub(taken as u64);
        }
        Ok(())
    }

    fn pass_over(&mut self) -> Result<(), Fault> {
        while self.left > 0 {
            let taken = self.fill(self.left)?.len();
            self.input.consume(taken);
            self.left -= taken as u64;
        }
        let mut rest = [0; BLOCK];
        let padding = std::mem::take(&mut self.padding);
        self.exact(&mut rest[..padding])
    }

    /// The next bytes, at least one and at most `limit`.
    fn fill(&mut self, limit: u64) -> Result<&[u8], Fault> {
        let available = self.input.fill_buf().map_err(Fault::Input)?;
        if available.is_empty() {
            return Err(Damage::Truncated.into());
        }
        let taken = usize::try_from(limit).map_or(available.len(), |limit| limit.min(available.len()));
        Ok(&available[..taken])
    }

    fn exact(&mut self, buf: &mut [u8]) -> Result<(), Fault> {
        let mut filled = 0;
        while filled < buf.len() {
            let available = self.fill((buf.len() - filled) as u64)?;
            let taken = available.len();
            buf[filled..filled + taken].copy_from_slice(available);
            self.input.consume(taken);
            filled += taken;
        }
        Ok(())
    }

    /// The next block; `None` where the input ends. Archives without an end mark are common.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Fault> {
        if self.input.fill_buf().map_err(Fault::Input)?.is_empty() {
            return Ok(None);
        }
        let mut block = [0; BLOCK];
        self.exact(&mut block)?;
        Ok(Some(block))
    }

    /// The content of an entry that describes another.
    fn special(&mut self, size: u64) -> Result<Vec<u8>, Fault> {
        if size > MAX_SPECIAL {
            return Err(Damage::TooLarge.into());
        }
        let mut content = Vec::new();
        self.content(size);
        self.copy(size, &mut content)?;
        Ok(content)
    }

    /// The map of a sparse file that comes in whole blocks before its content.
    fn map_before_content(&mut self) -> Result<Vec<Extent>, Fault> {
        let (mut text, mut got) = (Vec::new(), 0);
        let mut want = None;
        loop {
            if self.left < BLOCK as u64 || text.len() as u64 >= MAX_SPECIAL {
                return Err(Damage::Sparse.into());
            }
            let before = text.len();
            self.copy(BLOCK as u64, &mut text)?;
            got += text[before..].iter().filter(|byte| **byte == b'\n').count();
            if got > 0 && want.is_none() {
                want = Some(sparse::lines(&text)?);
            }
            if let Some(want) = want.filter(|want| got >= *want) {
                return Ok(sparse::prefix(&text, want)?);
            }
        }
    }
}

fn parse(block: &[u8; BLOCK]) -> Result<(Header, u8), Damage> {
    let want = number::parse(&block[148..156]).ok_or(Damage::Checksum)?;
    // Some old writers summed signed bytes.
    let (mut unsigned, mut signed) = (0i64, 0i64);
    for (at, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&at) { b' ' } else { *byte };
        unsigned += i64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    if want != unsigned && want != signed {
        return Err(Damage::Checksum);
    }
    let number = |field: std::ops::Range<usize>| number::parse(&block[field]).ok_or(Damage::Number);
    let natural = |field| number(field).and_then(|value| u64::try_from(value).map_err(|_| Damage::Number));
    let small = |field| number(field).and_then(|value| u32::try_from(value).map_err(|_| Damage::Number));
    let flag = block[156];
    let mut header = Header {
        name: until_nul(&block[..100]).to_vec(),
        link: until_nul(&block[157..257]).to_vec(),
        kind: Kind::of(flag),
        mode: small(100..108)?,
        uid: natural(108..116)?,
        gid: natural(116..124)?,
        size: natural(124..136)?,
        mtime: Time {
            seconds: number(136..148)?,
            nanos: 0,
        },
        ..Header::default()
    };
    match &block[257..265] {
        b"ustar\x0000" => {
            let prefix = until_nul(&block[345..500]);
            if !prefix.is_empty() {
                header.name = [prefix, b"/", &header.name].concat();
            }
        }
        b"ustar  \0" => {
            let time = |field: std::ops::Range<usize>| {
                let seconds = (block[field.start] != 0).then(|| number(field)).transpose()?;
                Ok::<_, Damage>(seconds.map(|seconds| Time { seconds, nanos: 0 }))
            };
            header.atime = time(345..357)?;
            header.ctime = time(357..369)?;
        }
        _ => return Ok((header, flag)),
    }
    header.user = until_nul(&block[265..297]).to_vec();
    header.group = until_nul(&block[297..329]).to_vec();
    header.major = small(329..337)?;
    header.minor = small(337..345)?;
    Ok((header, flag))
}

fn until_nul(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0);
    &field[..end.unwrap_or(field.len())]
}

fn zeros(count: u64, out: &mut dyn Write) -> Result<(), Fault> {
    let mut holes = io::Read::take(io::repeat(0), count);
    io::copy(&mut holes, out).map_err(Fault::Output)?;
    Ok(())
}
