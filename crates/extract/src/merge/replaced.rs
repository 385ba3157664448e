//! Entries that a later one of the same layer replaces.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, Cursor, Read};

use super::ahead::LayerReader;
use super::name::{self, Name};
use super::paths::{Follow, Paths};
use crate::archive::{Header, Kind, TarReader};

/// Bytes of a layer that are held in memory to be looked through, at most.
const HELD: u64 = 1 << 20;

/// A layer of which the beginning was read.
pub(crate) struct Begun {
    held: Vec<u8>,
    /// What follows, until it is read.
    rest: Option<LayerReader>,
    is_whole: bool,
}

impl Begun {
    /// Reads as much as is held.
    pub(crate) fn new(mut layer: LayerReader) -> io::Result<Self> {
        let mut held = Vec::with_capacity(HELD as usize);
        (&mut layer).take(HELD).read_to_end(&mut held)?;
        let is_whole = layer.fill_buf()?.is_empty();
        Ok(Self {
            held,
            rest: (!is_whole).then_some(layer),
            is_whole,
        })
    }

    /// The numbers of the entries that a later one replaces. Where not all of the layer is held, so that it
    /// has to be opened once more by `reopen`, none if that is not given.
    pub(crate) fn replaced(
        &mut self,
        reopen: Option<impl FnOnce() -> LayerReader>,
    ) -> io::Result<HashSet<u64>> {
        if self.is_whole {
            return Ok(replaced(&self.held[..]));
        }
        let Some(reopen) = reopen else {
            return Ok(HashSet::new());
        };
        let replaced = replaced(self.read());
        *self = Self::new(reopen())?;
        Ok(replaced)
    }

    /// Whether all of it is held.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The layer from its beginning. Dropping it closes the layer.
    pub(crate) fn read(&mut self) -> Box<dyn BufRead + '_> {
        match self.rest.take() {
            Some(rest) => Box::new(Resumed {
                held: Cursor::new(std::mem::take(&mut self.held)),
                rest,
            }),
            None => Box::new(&self.held[..]),
        }
    }

    /// The layer from its beginning once more, if all of it is held.
    pub(crate) fn again(&self) -> Option<Box<dyn BufRead + '_>> {
        self.is_whole
            .then(|| -> Box<dyn BufRead + '_> { Box::new(&self.held[..]) })
    }
}

/// What is held of a layer, and then the rest. What was read of it is held no longer than needed.
struct Resumed {
    held: Cursor<Vec<u8>>,
    rest: LayerReader,
}

impl Read for Resumed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Resumed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.held.get_ref().is_empty() {
            return self.rest.fill_buf();
        }
        self.held.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if self.held.get_ref().is_empty() {
            return self.rest.consume(amount);
        }
        self.held.consume(amount);
        if self.held.position() >= self.held.get_ref().len() as u64 {
            self.held = Cursor::default();
        }
    }
}

/// The numbers of the entries of an archive that a later one replaces. What is damaged in it is found by
/// whoever merges it.
fn replaced(archive: impl BufRead) -> HashSet<u64> {
    let mut paths = Paths::new();
    let mut last = HashMap::new();
    let mut replaced = HashSet::new();
    let mut reader = TarReader::new(archive);
    let mut number = 0;
    while let Ok(Some(entry)) = reader.next_entry() {
        let header = &entry.header;
        let Ok(name) = Name::parse(&header.name, header.kind == Kind::Directory) else {
            break;
        };
        if let Name::Path(path) = name
            && !leads_out(&path, header)
        {
            let id = paths.locate(&path, Follow::Layer(0));
            match header.kind {
                Kind::Symlink => paths.put_symlink(id, 0, &header.link, true),
                _ => paths.no_symlink(id),
            }
            replaced.extend(last.insert(id, number));
        }
        number += 1;
    }
    replaced
}

/// Whether an entry is a link that is left out, since it leads out of the image.
pub(crate) fn leads_out(path: &[u8], header: &Header) -> bool {
    match header.kind {
        Kind::Symlink => !name::symlink_stays(name::split(path).0, &header.link),
        Kind::Link => name::hard_link(&header.link).is_none(),
        _ => false,
    }
}
