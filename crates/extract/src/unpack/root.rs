//! The directory that is unpacked to, and nothing outside of it.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;

use crate::Error;
use crate::merge::split;

/// A directory that paths are resolved in one part at a time, by handles, so that no symbolic link is
/// followed, whether an image brought it or somebody puts it there meanwhile.
#[derive(Debug)]
pub(crate) struct Root {
    root: OwnedFd,
    /// The directories of the last path, from the root down.
    open: Vec<(Vec<u8>, OwnedFd)>,
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Root {
    /// Opens the directory, which may be reached by symbolic links; it is made if it is not there.
    pub(crate) fn open(directory: &Path) -> Result<Self, Error> {
        let failed = |action, source| Error::Io {
            action,
            path: directory.to_owned(),
            source,
        };
        std::fs::create_dir_all(directory).map_err(|error| failed("create", error))?;
        let root = std::fs::File::open(directory).map_err(|error| failed("open", error))?;
        Ok(Self {
            root: root.into(),
            open: Vec::new(),
        })
    }

    /// The directory that `path` is in, and its name there. Missing directories are made, with mode 0755.
    pub(crate) fn parent<'p>(&mut self, path: &'p [u8]) -> Result<(BorrowedFd<'_>, &'p [u8]), Error> {
        let (directory, base) = split(path);
        let depth = self.enter(directory)?;
        let parent = match depth.checked_sub(1) {
            Some(last) => self.open[last].1.as_fd(),
            None => self.root.as_fd(),
        };
        Ok((parent, base))
    }

    /// Opens a directory, which must be there; the root for `.`.
    pub(crate) fn directory(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>, Error> {
        let depth = self.enter(if path == b"." { b"" } else { path })?;
        Ok(match depth.checked_sub(1) {
            Some(last) => self.open[last].1.as_fd(),
            None => self.root.as_fd(),
        })
    }

    /// A second handle of the root, to resolve another path at the same time.
    pub(crate) fn again(&self) -> Result<Self, Error> {
        let root = self.root.try_clone().map_err(|source| Error::Io {
            action: "open",
            path: PathBuf::from("."),
            source,
        })?;
        Ok(Self {
            root,
            open: Vec::new(),
        })
    }

    /// Removes what is at `path`: anything but a directory with something in it.
    pub(crate) fn remove(&mut self, path: &[u8]) -> Result<(), Error> {
        let (parent, base) = self.parent(path)?;
        let name = OsStr::from_bytes(base);
        match unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(error) => return Err(failed("remove", path, error)),
        }
        match unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(()),
            Err(Errno::NOTEMPTY | Errno::EXIST) => Err(Error::Obstructed { path: shown(path) }),
            Err(error) => Err(failed("remove", path, error)),
        }
    }

    /// Opens each part of `path`; how many there are.
    fn enter(&mut self, path: &[u8]) -> Result<usize, Error> {
        let mut depth = 0;
        let mut end = 0;
        for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
            end += part.len() + usize::from(depth > 0);
            let so_far = &path[..end];
            if part == b".." || part == b"." {
                return Err(Error::UnsafePath {
                    path: String::from_utf8_lossy(path).into_owned(),
                });
            }
            if self.open.get(depth).is_none_or(|(name, _)| name != part) {
                self.open.truncate(depth);
                let parent = self.open.last().map_or(self.root.as_fd(), |(_, fd)| fd.as_fd());
                let fd = open_or_make(parent, part, so_far)?;
                self.open.push((part.to_vec(), fd));
            }
            depth += 1;
        }
        // What is deeper is likely to be used no more, and may be removed.
        self.open.truncate(depth);
        Ok(depth)
    }
}

fn open_or_make(parent: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> Result<OwnedFd, Error> {
    let name = OsStr::from_bytes(name);
    let opened = match openat(parent, name, DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) => {
            mkdirat(parent, name, Mode::from_raw_mode(0o755))
                .map_err(|error| failed("create", path, error))?;
            openat(parent, name, DIRECTORY, Mode::empty())
        }
        opened => opened,
    };
    opened.map_err(|error| match error {
        Errno::LOOP | Errno::NOTDIR | Errno::MLINK => Error::Obstructed { path: shown(path) },
        error => failed("open", path, error),
    })
}

pub(crate) fn failed(action: &'static str, path: &[u8], error: impl Into<std::io::Error>) -> Error {
    Error::Io {
        action,
        path: shown(path),
        source: error.into(),
    }
}

pub(crate) fn shown(path: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names are made safe long before. This is the last door.
    #[test]
    fn no_name_leads_out() {
        let dir = tempfile::tempdir().expect("temp dir");
        let inside = dir.path().join("a/inside");
        let mut root = Root::open(&inside).expect("a directory");
        for path in ["../x", "b/../../x", "./x", "b/./x"] {
            let parent = root.parent(path.as_bytes()).map(|(_, base)| base.to_vec());
            assert!(matches!(parent, Err(Error::UnsafePath { .. })), "{path}");
        }
        assert_eq!(root.parent(b"b/x").expect("inside").1, b"x");
        assert!(inside.join("b").is_dir());
    }
}
