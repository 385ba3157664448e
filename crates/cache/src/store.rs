//! The files of a cache: one for each entry, named by its digest.

use std::io;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use oci_spec::image::{Descriptor, Digest};
use tempfile::NamedTempFile;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use wharf_v1::ByteStream;

use crate::Error;

/// What separates algorithm and hex in a file's name. Windows has no colons in names.
const SEPARATOR: &str = if cfg!(windows) { "-" } else { ":" };

/// The directory.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    /// The store in a directory, which is made if it is not there, for its owner only.
    pub(crate) fn create(root: PathBuf) -> Result<Self, Error> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.create(&root);
        made.map_err(|error| Error::io("create", &root, error))?;
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        self.root.join(digest.to_string().replacen(':', SEPARATOR, 1))
    }

    /// Bytes of an entry; `None` if there is none. What is no file is none.
    pub(crate) async fn size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let path = self.path(digest);
        match tokio::fs::symlink_metadata(&path).await {
            Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("look at", &path, error)),
        }
    }

    /// The bytes of an entry, verified.
    pub(crate) async fn open(&self, descriptor: &Descriptor) -> Result<ByteStream, Error> {
        let path = self.path(descriptor.digest());
        let file = File::open(&path).await;
        let file = file.map_err(|error| Error::io("open", &path, error))?;
        let verified = ByteStream::from_async_read(file).verified(descriptor);
        verified.map_err(|error| Error::content(descriptor.digest(), error))
    }

    /// Writes an entry: all of it, hashed and on the disk, or nothing.
    pub(crate) async fn write(&self, descriptor: &Descriptor, bytes: ByteStream) -> Result<(), Error> {
        let digest = descriptor.digest();
        let content = |error| Error::content(digest, error);
        let mut bytes = bytes.verified(descriptor).map_err(content)?;
        let failed = |error| Error::io("write to", &self.root, error);
        let (temp, mut file) = self.begin().map_err(failed)?;
        while let Some(chunk) = bytes.next().await {
            file.write_all(&chunk.map_err(content)?).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        file.sync_data().await.map_err(failed)?;
        let persisted = temp.persist(self.path(digest));
        persisted.map(drop).map_err(|error| failed(error.error))
    }

    fn begin(&self) -> io::Result<(NamedTempFile, File)> {
        let temp = tempfile::Builder::new()
            .prefix(".wharf-")
            .tempfile_in(&self.root)?;
        let file = File::from_std(temp.reopen()?);
        Ok((temp, file))
    }

    /// Removes an entry. Whether there was one. Whoever has it open can read on.
    pub(crate) async fn remove(&self, digest: &Digest) -> Result<bool, Error> {
        let path = self.path(digest);
        match tokio::fs::remove_file(&path).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("remove", &path, error)),
        }
    }
}

/// The digest that a file of a cache is named after.
pub(crate) fn digest_of(name: &str) -> Option<Digest> {
    wharf_v1::parse_digest(&name.replacen(SEPARATOR, ":", 1)).ok()
}
