//! Blobs to read, whichever form of layout they are in.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use oci_spec::image::{Descriptor, Digest};
use wharf_archive::{Error as Archive, TarIndex};
use wharf_v1::{ByteStream, Error as ContentError};

use crate::Error;
use crate::archive::blob_name;
use crate::file::blocking;
use crate::store::Store;

/// Where blobs are read.
#[derive(Clone, Debug)]
pub(crate) enum Blobs {
    /// In the directory of a layout.
    Directory(Store),
    /// In a tar file of this path.
    Archive(Arc<Path>, Arc<TarIndex>),
}

/// What is found where blobs should be.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// All blobs, with their sizes.
    pub(crate) blobs: HashMap<Digest, u64>,
    /// Everything else that lies among them in a directory.
    pub(crate) strays: Vec<PathBuf>,
}

impl Blobs {
    /// The directory or file that the layout is.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Directory(store) => store.root(),
            Self::Archive(path, _) => path,
        }
    }

    /// How many bytes are stored under a digest, whether they are the right ones or not.
    pub(crate) fn size_now(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        match self {
            Self::Directory(store) => store.size_now(digest),
            Self::Archive(_, contents) => match contents.file(&blob_name(digest)) {
                Ok((_, size)) => Ok(Some(size)),
                Err(Archive::FileNotFound { .. } | Archive::NotRegular { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Opens a blob. Its bytes are not checked.
    pub(crate) fn open_now(&self, digest: &Digest) -> Result<(Box<dyn Read + Send>, u64), Error> {
        match self {
            Self::Directory(store) => {
                let (file, size) = store.open_now(digest)?;
                Ok((Box::new(file), size))
            }
            Self::Archive(_, contents) => match contents.file(&blob_name(digest)) {
                Ok((range, size)) => Ok((Box::new(range), size)),
                Err(Archive::FileNotFound { .. }) => Err(ContentError::NotFound {
                    digest: digest.clone(),
                }
                .into()),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Reads a document of a known digest and checks that it is that one.
    pub(crate) fn read_now(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, Error> {
        let (content, size) = self.open_now(digest)?;
        if size > limit {
            return Err(ContentError::TooLarge { limit }.into());
        }
        let mut bytes = Vec::new();
        content
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(ContentError::from)?;
        let mut hasher = wharf_v1::Hasher::new(digest.algorithm())?;
        hasher.update(&bytes);
        let got = hasher.finish();
        if got != *digest {
            return Err(ContentError::DigestMismatch {
                got,
                want: digest.clone(),
                read: bytes.len() as u64,
            }
            .into());
        }
        Ok(bytes)
    }

    /// Every blob that is stored, and what else lies among them.
    pub(crate) fn list_now(&self) -> Result<Listing, Error> {
        match self {
            Self::Directory(store) => list_directory(store),
            Self::Archive(_, contents) => self.list_archive(contents),
        }
    }

    fn list_archive(&self, contents: &TarIndex) -> Result<Listing, Error> {
        let mut listing = Listing::default();
        for name in contents.names() {
            let Some(name) = name.strip_prefix("blobs/") else {
                continue;
            };
            let digest = name
                .split_once('/')
                .and_then(|(algorithm, encoded)| digest_at(algorithm, encoded));
            if let Some(digest) = digest
                && let Some(size) = self.size_now(&digest)?
            {
                listing.blobs.insert(digest, size);
            }
        }
        Ok(listing)
    }

    /// [`size_now`](Self::size_now) on a thread for it.
    pub(crate) async fn size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let (blobs, digest) = (self.clone(), digest.clone());
        blocking(move || blobs.size_now(&digest)).await
    }

    /// Opens a blob of the size that the descriptor promises. Its bytes are not checked.
    pub(crate) async fn open_unverified(&self, descriptor: &Descriptor) -> Result<ByteStream, Error> {
        let (blobs, digest, want) = (self.clone(), descriptor.digest().clone(), descriptor.size());
        blocking(move || {
            let (content, got) = blobs.open_now(&digest)?;
            if got != want {
                return Err(ContentError::SizeMismatch { got, want }.into());
            }
            Ok(ByteStream::from_blocking_read(content))
        })
        .await
    }

    /// Opens a blob of whatever size it has. The stream fails if the bytes are not those of the digest.
    pub(crate) async fn open_any_size(&self, digest: &Digest) -> Result<ByteStream, Error> {
        let (blobs, want) = (self.clone(), digest.clone());
        let content = blocking(move || Ok(blobs.open_now(&want)?.0)).await?;
        Ok(ByteStream::from_blocking_read(content).verified_digest(digest)?)
    }

    /// Reads a small blob into memory, verified.
    pub(crate) async fn read_verified(&self, descriptor: &Descriptor, limit: u64) -> Result<Bytes, Error> {
        let bytes = self.read(descriptor, limit).await?;
        let verified = ByteStream::from_bytes(bytes).verified(descriptor)?;
        Ok(verified.collect(limit).await?)
    }

    /// Reads a small blob into memory. Its digest is not checked.
    pub(crate) async fn read(&self, descriptor: &Descriptor, limit: u64) -> Result<Bytes, Error> {
        if descriptor.size() > limit {
            return Err(ContentError::TooLarge { limit }.into());
        }
        Ok(self.open_unverified(descriptor).await?.collect(limit).await?)
    }
}

/// A digest whose text names a file in `blobs`: `<algorithm>/<encoded>`, in its one spelling.
pub(crate) fn digest_at(algorithm: &str, encoded: &str) -> Option<Digest> {
    let digest: Digest = format!("{algorithm}:{encoded}").parse().ok()?;
    (digest.algorithm().as_ref() == algorithm && digest.digest() == encoded).then_some(digest)
}

fn list_directory(store: &Store) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    for (algorithm, path, kind) in entries(&store.blobs())? {
        if !kind.is_dir() {
            listing.strays.push(path);
            continue;
        }
        for (encoded, path, kind) in entries(&path)? {
            match digest_at(&algorithm, &encoded) {
                Some(digest) if kind.is_file() => {
                    if let Some(size) = store.size_now(&digest)? {
                        listing.blobs.insert(digest, size);
                    }
                }
                _ => listing.strays.push(path),
            }
        }
    }
    listing.strays.sort();
    Ok(listing)
}

/// Name, path and kind of what is in a directory. One that is not there has nothing.
fn entries(directory: &Path) -> Result<Vec<(String, PathBuf, fs::FileType)>, Error> {
    let read = match fs::read_dir(directory) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", directory, error)),
    };
    let mut found = Vec::new();
    for entry in read {
        let entry = entry.map_err(|error| Error::io("read", directory, error))?;
        let kind = entry
            .file_type()
            .map_err(|error| Error::io("stat", entry.path(), error))?;
        found.push((
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
            kind,
        ));
    }
    Ok(found)
}
