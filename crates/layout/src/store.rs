//! The blobs of a layout: where they are, whether they are, and their bytes.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oci_spec::image::{Digest, DigestAlgorithm};

use crate::Error;
use crate::file::blocking;

/// The name of the directory that all blobs are in.
const BLOBS: &str = "blobs";

/// The directory of a layout, as a place of blobs.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: Arc<Path>,
}

impl Store {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of the blobs whose digests use `algorithm`.
    pub(crate) fn directory(&self, algorithm: &DigestAlgorithm) -> PathBuf {
        self.blobs().join(algorithm.as_ref())
    }

    /// The file of a blob: only ever made from a parsed digest, whose grammar has neither `/` nor `..`.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        self.directory(digest.algorithm()).join(digest.digest())
    }

    /// How many bytes are stored under a digest, whether they are the right ones or not.
    ///
    /// `None` when there are none, or something that is no file and would be replaced.
    pub(crate) async fn size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let path = self.path(digest);
        blocking(move || size_at(&path)).await
    }

    /// [`size`](Self::size) for callers that may block.
    pub(crate) fn size_now(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        size_at(&self.path(digest))
    }

    /// The directories whose names have to survive a crash, so that these blobs do.
    pub(crate) fn directories<'a>(&self, digests: impl Iterator<Item = &'a Digest>) -> BTreeSet<PathBuf> {
        let mut directories: BTreeSet<_> = digests.map(|digest| self.directory(digest.algorithm())).collect();
        directories.insert(self.blobs());
        directories
    }

    /// The directory of all blobs.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join(BLOBS)
    }

    /// Removes a blob. Returns whether there was one.
    pub(crate) fn remove_now(&self, digest: &Digest) -> Result<bool, Error> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("remove", &path, error)),
        }
    }

    /// Opens a blob for a caller that may block. Its bytes are not checked.
    pub(crate) fn open_now(&self, digest: &Digest) -> Result<(File, u64), Error> {
        open_blob(&self.path(digest), digest)
    }
}

fn size_at(path: &Path) -> Result<Option<u64>, Error> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("stat", path, error)),
    }
}

fn open_blob(path: &Path, digest: &Digest) -> Result<(File, u64), Error> {
    let seen = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(wharf_v1::Error::NotFound {
                digest: digest.clone(),
            }
            .into());
        }
        Err(error) => return Err(Error::io("stat", path, error)),
    };
    if seen.is_symlink() {
        return Err(Error::Symlink {
            digest: digest.clone(),
        });
    }
    let mut options = OpenOptions::new();
    options.read(true);
    // The file may be swapped between the look and the open: never follow a link, never wait on a pipe.
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let file = options
        .open(path)
        .map_err(|error| Error::io("open", path, error))?;
    let metadata = file.metadata().map_err(|error| Error::io("stat", path, error))?;
    if !metadata.is_file() {
        return Err(Error::NotRegular {
            digest: digest.clone(),
        });
    }
    Ok((file, metadata.len()))
}
