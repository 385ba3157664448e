//! A layout in a tar file, read where it lies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use oci_spec::image::{Descriptor, Digest};
use wharf_archive::{TarIndex, unpacked_limits};
use wharf_v1::{ByteStream, DecompressLimits, Image, Index, IndexManifest};

use crate::Error;
use crate::blobs::Blobs;
use crate::index::{LayoutIndex, images};
use crate::index_file::{self, INDEX};
use crate::marker::{self, MARKER};
use crate::verify::{Verified, verify};

/// An OCI image layout in a single tar file: what skopeo calls `oci-archive`, and what Docker saves since
/// version 25. Cheap to clone.
///
/// The headers are read once; everything else is read where it lies when it is needed, and verified like
/// the blobs of a [`Layout`](crate::Layout) in a directory. An archive that is compressed as a whole is unpacked into a
/// temporary file. Made by [`ArchiveBuilder`](crate::ArchiveBuilder), or any tar.
///
/// ```
/// use std::sync::Arc;
/// use wharf_layout::{AppendOptions, ArchiveBuilder, FindExt as _, LayoutArchive};
/// use wharf_v1::{Child, empty};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("images.tar");
/// let named = AppendOptions::new().with_ref_name("hello");
/// let builder = ArchiveBuilder::new().with_image(Arc::new(empty::image()), &named);
/// builder.write_file(&path).await?;
///
/// let archive = LayoutArchive::open(&path).await?;
/// assert!(matches!(archive.index().named("hello").await?, Some(Child::Image(_))));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LayoutArchive {
    path: Arc<Path>,
    blobs: Blobs,
    index: IndexManifest,
}

impl LayoutArchive {
    /// Opens an archive and reads its `index.json`. A compressed one may unpack to 64 GiB.
    ///
    /// # Errors
    /// [`Error::Archive`] when the file cannot be opened, is no tar, cannot be unpacked, or has no
    /// `index.json`; [`Error::Version`] when the layout is of a version other than 1, [`Error::Invalid`]
    /// when its `oci-layout` file is damaged or `index.json` is of another kind than an index.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_within(path, unpacked_limits()).await
    }

    /// Opens an archive that may unpack to `unpacked_limit` bytes, if it is compressed as a whole.
    ///
    /// # Errors
    /// As [`LayoutArchive::open`].
    pub async fn open_with(path: impl Into<PathBuf>, unpacked_limit: u64) -> Result<Self, Error> {
        Self::open_within(path, DecompressLimits::default().with_max_bytes(unpacked_limit)).await
    }

    /// Opens an archive that may swell as far as `limits` allow, if it is compressed as a whole.
    ///
    /// # Errors
    /// As [`LayoutArchive::open`].
    pub async fn open_within(path: impl Into<PathBuf>, limits: DecompressLimits) -> Result<Self, Error> {
        let path = path.into();
        let contents = TarIndex::open(&path, limits).await?;
        match contents.read(MARKER, marker::LIMIT).await {
            Ok(bytes) => marker::parse(&bytes, &path.join(MARKER))?,
            Err(wharf_archive::Error::FileNotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let index = contents.read(INDEX, index_file::LIMIT).await?;
        let index = index_file::parse(index, &path.join(INDEX))?;
        let path: Arc<Path> = path.into();
        Ok(Self {
            blobs: Blobs::Archive(Arc::clone(&path), Arc::new(contents)),
            path,
            index,
        })
    }

    /// The archive's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the layout lists.
    #[must_use]
    pub fn index(&self) -> Arc<dyn Index> {
        Arc::new(LayoutIndex::root(self.blobs.clone(), self.index.clone()))
    }

    /// The images that the layout lists itself, in order. Those of nested indexes are not among them.
    ///
    /// # Errors
    /// [`Error::Content`] when `index.json` is damaged or lists an image whose manifest is not there.
    pub async fn images(&self) -> Result<Vec<Arc<dyn Image>>, Error> {
        images(&*self.index()).await
    }

    /// How many bytes a blob has; `None` where it is not present. Its bytes are not checked.
    ///
    /// # Errors
    /// [`Error::Archive`] when links in the archive lead in a circle.
    pub fn blob_size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        self.blobs.size_now(digest)
    }

    /// Opens a blob. The stream fails at its end when the bytes are not those of the digest.
    ///
    /// # Errors
    /// [`wharf_v1::Error::NotFound`] in [`Error::Content`] when it is not there.
    pub async fn blob(&self, digest: &Digest) -> Result<ByteStream, Error> {
        self.blobs.open_any_size(digest).await
    }

    /// Reads a blob into memory, verified. It may have `limit` bytes at most.
    ///
    /// # Errors
    /// As [`LayoutArchive::blob`], and in [`Error::Content`] what is wrong with its bytes.
    pub async fn read_blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Bytes, Error> {
        self.blobs.read_verified(descriptor, limit).await
    }

    /// Reads every blob and checks it, as [`Layout::verify`](crate::Layout::verify) does.
    ///
    /// # Errors
    /// [`Error::Content`] when `index.json` is damaged, or the archive cannot be read. All else is in
    /// the result.
    pub async fn verify(&self) -> Result<Verified, Error> {
        verify(&self.blobs, self.index.clone()).await
    }
}
