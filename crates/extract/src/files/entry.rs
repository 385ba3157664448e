//! What is known of a file.

use std::collections::BTreeMap;

use wharf_v1::oci_spec::image::Digest;

use crate::archive::{Header, Kind};

/// A file, directory or link of an image's filesystem.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its path from the root, without a slash at the beginning; the root itself is `.`. Bytes that are no UTF-8 are
    /// replaced.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Bytes of content; 0 for what is no regular file.
    pub size: u64,
    /// Permissions, with the set-user-ID, set-group-ID and sticky bits.
    pub mode: u32,
    /// The owner.
    pub uid: u64,
    /// The owner's group.
    pub gid: u64,
    /// When it was changed last, in seconds since 1970.
    pub mtime: i64,
    /// Where a link leads: of a symbolic one as it is written, of a hard one the path from the root.
    pub link: Option<String>,
    /// The digest of the content, if it was asked for.
    pub digest: Option<Digest>,
}

/// What an entry of a filesystem is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A further name of a file.
    HardLink,
    /// A device, by characters.
    CharDevice,
    /// A device, by blocks.
    BlockDevice,
    /// A pipe.
    Fifo,
}

/// The filesystem of an image, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<Vec<u8>, FileEntry>);

impl Files {
    /// What is at this path; a slash at its beginning or end does not matter. Links are not followed.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&FileEntry> {
        self.at(&clean(path.as_bytes()))
    }

    /// All entries, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = &FileEntry> {
        self.0.values()
    }

    pub(super) fn at(&self, path: &[u8]) -> Option<&FileEntry> {
        self.0.get(path)
    }

    /// Takes in an entry, in place of one that has the same path: the later one counts.
    pub(super) fn insert(&mut self, header: &Header, digest: Option<Digest>) {
        let path = clean(&header.name);
        let kind = match header.kind {
            Kind::File | Kind::Other(_) => FileKind::File,
            Kind::Link => FileKind::HardLink,
            Kind::Symlink => FileKind::Symlink,
            Kind::Char => FileKind::CharDevice,
            Kind::Block => FileKind::BlockDevice,
            Kind::Directory => FileKind::Directory,
            Kind::Fifo => FileKind::Fifo,
        };
        let link = match kind {
            FileKind::Symlink => Some(lossy(&header.link)),
            FileKind::HardLink => Some(lossy(&clean(&header.link))),
            _ => None,
        };
        let entry = FileEntry {
            path: if path.is_empty() {
                ".".to_owned()
            } else {
                lossy(&path)
            },
            kind,
            size: header.size,
            mode: header.mode & 0o7777,
            uid: header.uid,
            gid: header.gid,
            mtime: header.mtime.seconds,
            link,
            digest,
        };
        self.0.insert(path, entry);
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A path without empty parts, `.` and slashes around it.
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    let parts = path
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".");
    parts.collect::<Vec<_>>().join(&b'/')
}
