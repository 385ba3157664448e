//! A tar of a directory: the same tree gives the same bytes.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header, HeaderMode};
use walkdir::WalkDir;

use crate::Error;

/// What of the files' metadata goes into the layer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    /// Whether entries keep the numbers of their users and groups, instead of 0.
    pub(crate) keep_owners: bool,
}

/// Writes everything below `root`, sorted, with paths relative to it.
pub(crate) fn write(root: &Path, settings: Settings, out: &mut dyn Write) -> Result<(), Error> {
    let mut tar = Builder::new(out);
    let mut seen = Links::default();
    for entry in WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            Error::io("read", path, error.into())
        })?;
        let path = entry.path();
        let name = path.strip_prefix(root).expect("walkdir stays below its root");
        let metadata = entry
            .metadata()
            .map_err(|error| Error::io("read", path, error.into()))?;
        append(&mut tar, path, name, &metadata, settings, &mut seen)?;
    }
    tar.finish().map_err(|error| Error::io("pack", root, error))
}

fn append(
    tar: &mut Builder<&mut dyn Write>,
    path: &Path,
    name: &Path,
    metadata: &Metadata,
    settings: Settings,
    seen: &mut Links,
) -> Result<(), Error> {
    let failed = |error| Error::io("pack", path, error);
    let mut header = header(metadata, settings);
    if metadata.is_symlink() {
        let target = path
            .read_link()
            .map_err(|error| Error::io("read link", path, error))?;
        return tar.append_link(&mut header, name, target).map_err(failed);
    }
    if let Some(first) = seen.first_name(metadata, name) {
        header.set_entry_type(EntryType::Link);
        header.set_size(0);
        return tar.append_link(&mut header, name, first).map_err(failed);
    }
    if metadata.is_file() {
        let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
        let mut content = Counted {
            reader: file.take(metadata.len()),
            read: 0,
        };
        tar.append_data(&mut header, name, &mut content).map_err(failed)?;
        // The header is written already, so the archive would be torn.
        return if content.read == metadata.len() {
            Ok(())
        } else {
            Err(Error::Changed {
                path: path.to_owned(),
            })
        };
    }
    if is_socket(metadata) {
        return Ok(());
    }
    header.set_size(0);
    tar.append_data(&mut header, name, io::empty()).map_err(failed)
}

fn header(metadata: &Metadata, settings: Settings) -> Header {
    let mut header = Header::new_gnu();
    header.set_metadata_in_mode(metadata, HeaderMode::Complete);
    if metadata.is_symlink() {
        header.set_size(0);
    }
    if !settings.keep_owners {
        header.set_uid(0);
        header.set_gid(0);
    }
    header
}

/// Sockets only mean something to the process that made them, and tar has no type for them.
#[cfg(unix)]
fn is_socket(metadata: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_socket(_metadata: &Metadata) -> bool {
    false
}

/// Files that have more than one name, by device and inode.
#[derive(Default)]
struct Links(HashMap<(u64, u64), PathBuf>);

impl Links {
    /// The name under which this very file was packed before.
    #[cfg(unix)]
    fn first_name(&mut self, metadata: &Metadata, name: &Path) -> Option<PathBuf> {
        use std::os::unix::fs::MetadataExt as _;
        if metadata.is_dir() || metadata.nlink() < 2 {
            return None;
        }
        let key = (metadata.dev(), metadata.ino());
        let first = self.0.get(&key).cloned();
        if first.is_none() {
            self.0.insert(key, name.to_owned());
        }
        first
    }

    #[cfg(not(unix))]
    fn first_name(&mut self, _metadata: &Metadata, _name: &Path) -> Option<PathBuf> {
        None
    }
}

struct Counted<R> {
    reader: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.read += read as u64;
        Ok(read)
    }
}
