//! An archive in a file: whole, or not there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use wharf_v1::{ByteStream, Error as ContentError};

use crate::blocking::blocking;
use crate::plan::Content;
use crate::sized::{open, sized};
use crate::write_stream::archive;
use crate::{Entry, Error, Plan, WriteOptions};

/// Chunks in flight between a layer and the disk.
const IN_FLIGHT: usize = 8;

/// Writes an archive to a file, and returns how many bytes it has.
///
/// The bytes are those of [`write`](crate::write()). Since the place of every entry is known beforehand,
/// layers are read and written at the same time, [`WriteOptions::jobs`] of them.
///
/// The file is there when it is complete and synced to disk, and not before: what was at `path` is
/// replaced in one step, and stays as it was if anything fails. What is no regular file, like a pipe or
/// `/dev/stdout`, is written to from front to back.
///
/// # Errors
/// [`Error::ReadLayer`] when a layer cannot be read or is not as planned, [`Error::Io`] when the file
/// cannot be written.
///
/// # Cancel safety
/// When the future is dropped `path` is as it was, and nothing is left beside it.
pub async fn write_file(plan: Plan, path: impl Into<PathBuf>, options: &WriteOptions) -> Result<u64, Error> {
    let path = path.into();
    let size = plan.size();
    match blocking(move || Target::of(path)).await? {
        Target::Stream(file, path) => {
            let bytes = archive(plan, options.read_ahead);
            pour(bytes, move |chunk| {
                (&file)
                    .write_all(chunk)
                    .map_err(|error| Error::io("write", &path, error))
            })
            .await?;
        }
        Target::File(path) => place(plan, path, options).await?,
    }
    Ok(size)
}

/// Where an archive goes.
enum Target {
    /// A place for a regular file.
    File(PathBuf),
    /// A pipe or device that is open already.
    Stream(File, PathBuf),
}

impl Target {
    fn of(path: PathBuf) -> Result<Self, Error> {
        if !is_descriptor(&path) {
            // Through links: the file that a link leads to is replaced, not the link.
            match fs::canonicalize(&path) {
                Ok(real) if real.is_file() => return Ok(Self::File(real)),
                Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                    return Ok(Self::File(path));
                }
                _ => {}
            }
        }
        let file = File::options().write(true).truncate(true).open(&path);
        Ok(Self::Stream(
            file.map_err(|error| Error::io("open", &path, error))?,
            path,
        ))
    }
}

/// Whether the path stands for a file that is open already. Even where that is a regular file, whoever
/// opened it wants it written, not replaced.
fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/dev/stdout", "/dev/stderr", "/proc"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// Writes every entry to its place in a temporary file, which then gets its name.
async fn place(plan: Plan, path: PathBuf, options: &WriteOptions) -> Result<(), Error> {
    let size = plan.size();
    let temp = {
        let path = path.clone();
        blocking(move || temp_beside(&path, size)).await?
    };
    let file = temp
        .as_file()
        .try_clone()
        .map_err(|error| Error::io("write", &path, error))?;
    let file = Arc::new(file);
    let mut offset = 0;
    let mut placed = Vec::with_capacity(plan.entries.len());
    for entry in plan.entries {
        let space = entry.space();
        placed.push(place_entry(entry, Arc::clone(&file), offset, &path));
        offset += space;
    }
    stream::iter(placed)
        .buffer_unordered(options.jobs.get())
        .try_collect::<()>()
        .await?;
    blocking(move || commit(temp, &path)).await
}

async fn place_entry(entry: Entry, file: Arc<File>, offset: u64, path: &Path) -> Result<(), Error> {
    let content = match entry.content {
        Content::Bytes(bytes) => ByteStream::from_bytes(bytes),
        Content::Layer { layer, form, digest } => sized(open(layer, form), digest, entry.size),
    };
    let bytes = ByteStream::from_bytes(entry.header).chain(content);
    let (mut offset, path) = (offset, path.to_owned());
    // Padding and trailer are zero, as everything is that is never written.
    pour(ByteStream::new(bytes), move |chunk| {
        write_all_at(&file, chunk, offset).map_err(|error| Error::io("write", &path, error))?;
        offset += chunk.len() as u64;
        Ok(())
    })
    .await
}

/// Moves a stream to a function that blocks.
async fn pour(
    mut bytes: ByteStream,
    mut write: impl FnMut(&[u8]) -> Result<(), Error> + Send + 'static,
) -> Result<(), Error> {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(IN_FLIGHT);
    let feed = async move {
        while let Some(chunk) = bytes.try_next().await? {
            if sender.send(chunk).await.is_err() {
                break;
            }
        }
        Ok::<(), ContentError>(())
    };
    let drain = blocking(move || {
        while let Some(chunk) = receiver.blocking_recv() {
            write(&chunk)?;
        }
        Ok(())
    });
    let (fed, drained) = join(feed, drain).await;
    drained?;
    Ok(fed?)
}

fn temp_beside(path: &Path, size: u64) -> Result<NamedTempFile, Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".wharf-");
    // As any program creates files: what the user's mask leaves of 0666.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let temp = builder
        .tempfile_in(parent(path))
        .map_err(|error| Error::io("create", path, error))?;
    temp.as_file()
        .set_len(size)
        .map_err(|error| Error::io("write", path, error))?;
    Ok(temp)
}

fn commit(temp: NamedTempFile, path: &Path) -> Result<(), Error> {
    temp.as_file()
        .sync_all()
        .map_err(|error| Error::io("sync", path, error))?;
    temp.persist(path)
        .map_err(|error| Error::io("rename to", path, error.error))?;
    // Elsewhere a directory cannot be opened as a file, and renames are journalled.
    if cfg!(unix) {
        let directory = File::open(parent(path));
        directory
            .and_then(|directory| directory.sync_all())
            .map_err(|error| Error::io("sync", path, error))?;
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}
