//! An archive of images, to a writer or a file.

use std::path::PathBuf;

use tokio::io::AsyncWrite;
use wharf_archive::Plan;

use super::parts::Parts;
use super::{Format, WriteOptions, docker, legacy, oci};
#[cfg(doc)]
use crate::ArchiveError;
use crate::{Error, TaggedImage};

/// Writes an archive of these images, in the format of `docker save`, and returns how many bytes it
/// has. The writer is flushed.
///
/// The bytes depend on the images, their names and the format alone. Layers go through one at a time,
/// in memory that does not depend on their size; see [`WriteOptions::read_ahead`].
///
/// Ancestors in Go: `tarball.Write`, `tarball.MultiWrite`.
///
/// # Errors
/// [`Error::Empty`] without images, [`Error::Content`] or [`ArchiveError::ReadLayer`] when an image cannot be
/// read, [`ArchiveError::Write`] when the writer fails. What was written until then is no whole archive.
///
/// # Cancel safety
/// Not cancel safe: what was written until then is no whole archive.
pub async fn write(
    images: &[TaggedImage],
    writer: impl AsyncWrite + Send,
    options: &WriteOptions,
) -> Result<u64, Error> {
    let plan = plan(images, options.format).await?;
    Ok(wharf_archive::write(plan, writer, &options.to_archive()).await?)
}

/// Writes an archive of these images to a file, in the format of `docker save`, and returns how many
/// bytes it has.
///
/// The bytes are those of [`write()`]. Since the place of every layer is known beforehand, layers are read
/// and written at the same time, [`WriteOptions::jobs`] of them.
///
/// The file is there when it is complete and synced to disk, and not before: what was at `path` is
/// replaced in one step, and stays as it was if anything fails. What is no regular file, like a pipe or
/// `/dev/stdout`, is written to from front to back.
///
/// Ancestors in Go: `tarball.WriteToFile`, `crane.Save`, `crane.MultiSave`.
///
/// # Errors
/// As [`write()`]; [`ArchiveError::Io`] when the file cannot be written.
///
/// # Cancel safety
/// When the future is dropped `path` is as it was, and nothing is left beside it.
pub async fn write_file(
    images: &[TaggedImage],
    path: impl Into<PathBuf>,
    options: &WriteOptions,
) -> Result<u64, Error> {
    let plan = plan(images, options.format).await?;
    Ok(wharf_archive::write_file(plan, path, &options.to_archive()).await?)
}

/// How many bytes an archive of these images has. No layer is opened, unless the format is
/// [`Format::Legacy`].
///
/// Ancestor in Go: `tarball.CalculateSize`.
///
/// # Errors
/// [`Error::Empty`] without images, [`Error::Content`] when an image cannot be read.
pub async fn calculate_size(images: &[TaggedImage], options: &WriteOptions) -> Result<u64, Error> {
    Ok(plan(images, options.format).await?.size())
}

async fn plan(images: &[TaggedImage], format: Format) -> Result<Plan, Error> {
    if images.is_empty() {
        return Err(Error::Empty);
    }
    let mut parts = Vec::with_capacity(images.len());
    for image in images {
        parts.push(Parts::of(image).await?);
    }
    // So that the same set makes the same bytes.
    parts.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    match format {
        Format::Docker => docker::plan(parts).await,
        Format::DockerWithOci => oci::plan(parts).await,
        Format::Legacy => legacy::plan(parts).await,
    }
}
