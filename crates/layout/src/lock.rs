//! The advisory locks: one makes changes of `index.json` take turns, the other keeps what is being
//! written from being collected as garbage.
//!
//! Who needs both takes that of the blobs first.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::Error;
use crate::marker::{self, MARKER};
use crate::store::Store;

/// Held while `index.json` is read, changed and replaced. Released when dropped.
///
/// What is locked is the `oci-layout` file: it is always there, never replaced, and so the lock needs
/// no file of its own in the user's directory.
#[derive(Debug)]
pub(crate) struct IndexLock {
    _file: File,
}

impl IndexLock {
    /// Waits for the lock. Writes the `oci-layout` file where it is missing.
    pub(crate) fn acquire(root: &Path) -> Result<Self, Error> {
        let path = root.join(MARKER);
        loop {
            marker::ensure(root)?;
            let file = match open(&path) {
                Ok(file) => file,
                // Taken away between the two lines above.
                Err(error) if error.kind() == io::ErrorKind::NotFound && root.exists() => continue,
                Err(error) => return Err(Error::io("open", &path, error)),
            };
            match file.lock() {
                Ok(()) => {}
                // Some network file systems have no locks; then the atomic rename has to do.
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    tracing::debug!(path = %path.display(), "the file system has no locks");
                }
                Err(error) => return Err(Error::io("lock", &path, error)),
            }
            // A process that took its failed layout away held this lock meanwhile.
            if is_same(&file, &path) {
                return Ok(Self { _file: file });
            }
        }
    }

    /// The lock, if nobody holds it.
    pub(crate) fn try_acquire(root: &Path) -> Option<Self> {
        let file = open(&root.join(MARKER)).ok()?;
        match file.try_lock() {
            Ok(()) => Some(Self { _file: file }),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Some(Self { _file: file })
            }
            Err(_) => None,
        }
    }
}

/// Held shared while blobs are stored that nothing lists yet, and alone while blobs are removed. Released
/// when dropped.
///
/// What is locked is the `blobs` directory. Where a directory cannot be locked (outside of Unix, on some
/// network file systems) this is no lock at all; see [`is_held`](Self::is_held).
#[derive(Debug)]
pub(crate) struct BlobsLock {
    file: Option<File>,
}

impl BlobsLock {
    /// Waits until nobody removes blobs. The directory is there.
    pub(crate) fn shared(store: &Store) -> Result<Self, Error> {
        Self::acquire(store, File::lock_shared)
    }

    /// Waits until nobody stores or removes blobs.
    pub(crate) fn alone(store: &Store) -> Result<Self, Error> {
        Self::acquire(store, File::lock)
    }

    /// Whether others really are kept out.
    pub(crate) fn is_held(&self) -> bool {
        self.file.is_some()
    }

    fn acquire(store: &Store, lock: impl Fn(&File) -> io::Result<()>) -> Result<Self, Error> {
        let path = store.blobs();
        if !cfg!(unix) {
            return Ok(Self { file: None });
        }
        loop {
            let file = match File::open(&path) {
                Ok(file) => file,
                // Taken away with a layout that failed; whoever stores a blob makes it again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self { file: None }),
                Err(error) => return Err(Error::io("open", &path, error)),
            };
            match lock(&file) {
                Ok(()) if is_same(&file, &path) => return Ok(Self { file: Some(file) }),
                Ok(()) => {}
                Err(error) => {
                    tracing::debug!(path = %path.display(), %error, "the directory cannot be locked");
                    return Ok(Self { file: None });
                }
            }
        }
    }
}

/// Writable, since some network file systems lock exclusively only what is open for writing.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), path.metadata()) {
        (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same(_file: &File, path: &Path) -> bool {
    path.exists()
}
