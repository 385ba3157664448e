//! An archive that was opened.

use std::path::PathBuf;
use std::sync::Arc;

use wharf_archive::TarIndex;
use wharf_name::Tag;
use wharf_v1::partial::AssembledImage;

use super::image;
#[cfg(doc)]
use crate::ArchiveError;
use crate::record::{MANIFEST, Record};
use crate::{Error, ReadOptions};

/// Largest `manifest.json` that is read, in bytes.
const MANIFEST_LIMIT: u64 = 16 * 1024 * 1024;

/// An archive in the format of `docker save`, opened. Cheap to clone.
///
/// Its headers are read once; everything else is read where it lies when it is needed.
///
/// An archive keeps neither manifests nor media types, so the manifest of an image is made anew: of
/// Docker's type, with layers typed by what they are. Its digest is the original's only where that was
/// such a manifest.
#[derive(Clone, Debug)]
pub struct Archive {
    contents: Arc<TarIndex>,
    records: Arc<[Record]>,
}

impl Archive {
    /// Opens an archive and reads its `manifest.json`.
    ///
    /// One that is compressed with gzip or zstd as a whole is unpacked into a temporary file.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] when the file cannot be opened, [`ArchiveError::UnexpectedEof`] or [`ArchiveError::NotTar`] when
    /// it is no whole tar archive, [`ArchiveError::Unpack`] when it is compressed and cannot be unpacked,
    /// [`ArchiveError::FileNotFound`] when it has no `manifest.json`, [`Error::InvalidManifest`] or
    /// [`Error::NoManifest`] when that says nothing.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_with(path, &ReadOptions::new()).await
    }

    /// Opens an archive as the options say.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub async fn open_with(path: impl Into<PathBuf>, options: &ReadOptions) -> Result<Self, Error> {
        let contents = TarIndex::open(path, options.limits()).await?;
        let manifest = contents.read(MANIFEST, MANIFEST_LIMIT).await?;
        let records: Option<Vec<Record>> = serde_json::from_slice(&manifest)
            .map_err(|error| Error::InvalidManifest { source: error.into() })?;
        let records = records.ok_or(Error::NoManifest)?.into();
        Ok(Self {
            contents: Arc::new(contents),
            records,
        })
    }

    /// The `RepoTags` of each image, in the order of the archive.
    pub fn repo_tags(&self) -> impl ExactSizeIterator<Item = &[String]> {
        self.records
            .iter()
            .map(|record| record.repo_tags.as_deref().unwrap_or_default())
    }

    /// The image with this tag, or, without one, the only image there is.
    ///
    /// Tags are compared by their full names: `ubuntu` finds `index.docker.io/library/ubuntu:latest`.
    /// Each layer is read once, to know its digest; those that are not compressed are, into temporary
    /// files.
    ///
    /// Ancestors in Go: `tarball.ImageFromPath`, `crane.LoadTag`.
    ///
    /// # Errors
    /// [`Error::TagNotFound`], [`Error::NotSingle`] when there is no such image,
    /// [`Error::LayerCount`] or [`Error::DiffId`] when its layers are not those of its config,
    /// [`ArchiveError::FileNotFound`], [`ArchiveError::LinkCycle`], [`ArchiveError::NotRegular`] when one is not there,
    /// [`Error::Layer`] when one cannot be read.
    pub async fn image(&self, tag: Option<&Tag>) -> Result<AssembledImage, Error> {
        let record = match tag {
            None => match &*self.records {
                [record] => record,
                records => {
                    return Err(Error::NotSingle {
                        images: records.len(),
                    });
                }
            },
            Some(tag) => {
                let found = self.records.iter().find(|record| {
                    let names = record.repo_tags.iter().flatten();
                    names
                        .into_iter()
                        .any(|name| name.parse::<Tag>().is_ok_and(|name| name == *tag))
                });
                found.ok_or_else(|| Error::TagNotFound {
                    tag: tag.as_typed().to_owned(),
                })?
            }
        };
        image::load(&self.contents, record).await
    }

    /// All images, in the order of the archive.
    ///
    /// # Errors
    /// As [`Archive::image`].
    pub async fn images(&self) -> Result<Vec<AssembledImage>, Error> {
        let mut images = Vec::with_capacity(self.records.len());
        for record in &*self.records {
            images.push(image::load(&self.contents, record).await?);
        }
        Ok(images)
    }
}
