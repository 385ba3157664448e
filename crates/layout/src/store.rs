//! The blobs of a layout: where they are, whether they are, and their bytes.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use oci_spec::image::{Descriptor, Digest, DigestAlgorithm};
use wharf_v1::ByteStream;

use crate::Error;
use crate::file::blocking;

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
        self.root.join("blobs").join(algorithm.as_ref())
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

    /// The directories that hold these blobs.
    pub(crate) fn directories<'a>(&self, digests: impl Iterator<Item = &'a Digest>) -> BTreeSet<PathBuf> {
        digests.map(|digest| self.directory(digest.algorithm())).collect()
    }

    /// Opens a blob of the size that the descriptor promises. Its bytes are not checked.
    pub(crate) async fn open_unverified(&self, descriptor: &Descriptor) -> Result<ByteStream, Error> {
        let (file, size) = self.open_file(descriptor.digest()).await?;
        if size != descriptor.size() {
            return Err(wharf_v1::Error::SizeMismatch {
                got: size,
                want: descriptor.size(),
            }
            .into());
        }
        Ok(ByteStream::from_blocking_read(file))
    }

    /// Opens a blob of whatever size it has. The stream fails if the bytes are not those of the digest.
    pub(crate) async fn open_any_size(&self, digest: &Digest) -> Result<ByteStream, Error> {
        let (file, _) = self.open_file(digest).await?;
        Ok(ByteStream::from_blocking_read(file).verified_digest(digest)?)
    }

    /// Reads a small blob into memory. Its digest is not checked.
    pub(crate) async fn read(&self, descriptor: &Descriptor, limit: u64) -> Result<Bytes, Error> {
        if descriptor.size() > limit {
            return Err(wharf_v1::Error::TooLarge { limit }.into());
        }
        Ok(self.open_unverified(descriptor).await?.collect(limit).await?)
    }

    async fn open_file(&self, digest: &Digest) -> Result<(File, u64), Error> {
        let path = self.path(digest);
        let digest = digest.clone();
        blocking(move || open_blob(&path, &digest)).await
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
