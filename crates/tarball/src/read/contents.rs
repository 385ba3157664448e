//! Where everything in an archive is: found in one pass over its headers.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};
use std::sync::Arc;

use tar::{Entry, EntryType};
use wharf_layer::FileRange;
use wharf_v1::Codec;

use crate::Error;

/// More entries than any archive of images has.
const ENTRIES_LIMIT: usize = 1 << 20;

/// The files of an archive. Of several with one name the last counts, as when unpacking.
#[derive(Debug)]
pub(crate) struct Contents {
    file: Arc<File>,
    entries: HashMap<Vec<u8>, Place>,
}

#[derive(Debug)]
enum Place {
    File { start: u64, size: u64 },
    Link(Vec<u8>),
    Other,
}

impl Contents {
    pub(crate) fn scan(mut file: File) -> Result<Self, Error> {
        let mut head = Vec::new();
        (&mut file)
            .take(Codec::MAGIC_LEN as u64)
            .read_to_end(&mut head)
            .and_then(|_| file.rewind())
            .map_err(broken)?;
        match Codec::detect(&head) {
            Codec::None => {}
            codec => return Err(Error::Compressed { codec }),
        }
        let end = file.metadata().map_err(broken)?.len();
        let mut entries = HashMap::new();
        let mut archive = tar::Archive::new(BufReader::new(&file));
        for entry in archive.entries_with_seek().map_err(broken)? {
            let entry = entry.map_err(broken)?;
            if entries.len() == ENTRIES_LIMIT {
                return Err(Error::TooManyEntries { limit: ENTRIES_LIMIT });
            }
            let place = Place::of(&entry);
            // Seeking goes past the end of the file without a word.
            if matches!(place, Place::File { start, size } if start.saturating_add(size) > end) {
                return Err(Error::UnexpectedEof);
            }
            entries.insert(clean(&entry.path_bytes()), place);
        }
        drop(archive);
        Ok(Self {
            file: Arc::new(file),
            entries,
        })
    }

    /// The content of a file and its size, through links.
    pub(crate) fn open(&self, name: &str) -> Result<(FileRange, u64), Error> {
        let mut path = clean(name.as_bytes());
        let mut seen = HashSet::new();
        loop {
            let text = || String::from_utf8_lossy(&path).into_owned();
            match self.entries.get(&path) {
                None => return Err(Error::FileNotFound { name: text() }),
                Some(Place::Other) => return Err(Error::NotRegular { name: text() }),
                Some(Place::File { start, size }) => {
                    return Ok((FileRange::new(Arc::clone(&self.file), *start, *size), *size));
                }
                Some(Place::Link(target)) => {
                    if !seen.insert(path.clone()) {
                        return Err(Error::LinkCycle { name: text() });
                    }
                    path.clone_from(target);
                }
            }
        }
    }

    /// A small file as a whole.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, Error> {
        let (mut range, size) = self.open(name)?;
        if size > limit {
            return Err(Error::TooLarge {
                name: name.to_owned(),
                limit,
            });
        }
        let mut content = Vec::new();
        range.read_to_end(&mut content).map_err(broken)?;
        Ok(content)
    }
}

impl Place {
    fn of(entry: &Entry<'_, impl io::Read>) -> Self {
        let link = entry.link_name_bytes();
        match (entry.header().entry_type(), link) {
            (EntryType::Regular | EntryType::Continuous, _) => Self::File {
                start: entry.raw_file_position(),
                size: entry.size(),
            },
            // A hard link names an entry, a symbolic one a path seen from its own directory.
            (EntryType::Link, Some(target)) => Self::Link(clean(&target)),
            (EntryType::Symlink, Some(target)) if !target.starts_with(b"/") => {
                let name = entry.path_bytes();
                let directory = name
                    .iter()
                    .rposition(|byte| *byte == b'/')
                    .map_or(0, |slash| slash + 1);
                Self::Link(clean(&[&name[..directory], &target].concat()))
            }
            (EntryType::Symlink, Some(target)) => Self::Link(clean(&target)),
            _ => Self::Other,
        }
    }
}

/// A path without `.`, `..` and surplus slashes, seen from the archive's root.
fn clean(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join(&b'/')
}

/// Reading failed, or what was read is no archive. The tar crate has no kinds for that, only texts.
fn broken(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof
        || error.to_string().contains("failed to read entire block")
    {
        Error::UnexpectedEof
    } else {
        Error::NotTar { source: error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, want: &str) {
        assert_eq!(
            String::from_utf8(clean(path.as_bytes())).expect("text"),
            want,
            "{path}"
        );
    }

    #[test]
    fn paths_are_cleaned() {
        check("manifest.json", "manifest.json");
        check("./manifest.json", "manifest.json");
        check("/a//b/./c/", "a/b/c");
        check("a/../b", "b");
        check("../../etc/passwd", "etc/passwd");
        check("..", "");
        check("", "");
    }
}
