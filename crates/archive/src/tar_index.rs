//! Where everything in an archive is: found in one pass over its headers.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Seek as _};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tar::{Entry, EntryType};
use wharf_layer::FileRange;
use wharf_v1::{ByteStream, DecompressLimits};

use crate::blocking::blocking;
use crate::{Error, unpack};

/// More entries than any archive of images has.
const ENTRIES_LIMIT: usize = 1 << 20;

/// The files of an archive, found in one pass over its headers. Of several with one name the last
/// counts, as when unpacking.
///
/// Names are seen from the archive's root, without `.`, `..` and surplus slashes. Links are followed:
/// a hard link names an entry, a symbolic one a path seen from its own directory; neither leads out.
pub struct TarIndex {
    file: Arc<File>,
    entries: HashMap<Vec<u8>, Place>,
}

#[derive(Debug)]
enum Place {
    File { start: u64, size: u64 },
    Link(Vec<u8>),
    Other,
}

impl TarIndex {
    /// Opens an archive and reads its headers. One that is compressed with gzip or zstd as a whole is
    /// unpacked into a temporary file, as far as `limits` allow.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be opened, [`Error::UnexpectedEof`] or [`Error::NotTar`] when
    /// it is no whole tar archive, [`Error::TooManyEntries`] when it has a million files,
    /// [`Error::Unpack`] when it is compressed and cannot be unpacked.
    pub async fn open(path: impl Into<PathBuf>, limits: DecompressLimits) -> Result<Self, Error> {
        let file = unpack::open(path.into(), limits).await?;
        blocking(move || Self::scan(file)).await
    }

    fn scan(mut file: File) -> Result<Self, Error> {
        file.rewind().map_err(broken)?;
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

    /// The content of a file and its size in bytes, through links.
    ///
    /// # Errors
    /// [`Error::FileNotFound`], [`Error::LinkCycle`] or [`Error::NotRegular`] when it is not there.
    pub fn file(&self, name: &str) -> Result<(FileRange, u64), Error> {
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

    /// A small file as a whole: of `limit` bytes at most.
    ///
    /// # Errors
    /// As [`file`](Self::file), [`Error::TooLarge`] when it is larger, [`Error::UnexpectedEof`] when the
    /// archive was cut short since, [`Error::Content`] when it cannot be read any more.
    pub async fn read(&self, name: &str, limit: u64) -> Result<Bytes, Error> {
        let (range, size) = self.file(name)?;
        if size > limit {
            return Err(Error::TooLarge {
                name: name.to_owned(),
                limit,
            });
        }
        let content = ByteStream::from_blocking_read(range).collect(limit).await?;
        if content.len() as u64 == size {
            Ok(content)
        } else {
            Err(Error::UnexpectedEof)
        }
    }

    /// The names of all entries, cleaned, in no order. Those that are no text are not among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries
            .keys()
            .filter_map(|name| std::str::from_utf8(name).ok())
    }
}

impl fmt::Debug for TarIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TarIndex")
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
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
