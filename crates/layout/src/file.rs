//! Files as the layout needs them: capped reads, atomic writes, synced directories.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::Error;

/// Starts the name of every file that is not finished yet.
pub(crate) const TEMP_PREFIX: &str = ".wharf-";

/// Runs blocking file work on a thread that may block.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    let done = wharf_v1::blocking(work).await;
    done.map_err(|error| Error::io("write", "", error))?
}

/// All bytes of a file that may be at most `limit` bytes long.
pub(crate) fn read_capped(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("read", path, error))?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// A temporary file in `directory`, readable by all once it gets its name, gone when dropped.
pub(crate) fn temp_in(directory: &Path) -> Result<NamedTempFile, Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMP_PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    builder
        .tempfile_in(directory)
        .map_err(|error| Error::io("create a file in", directory, error))
}

/// Replaces `path` by a file of these bytes, in one step that survives a crash.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    written_beside(path, bytes)?
        .persist(path)
        .map_err(|error| Error::io("rename to", path, error.error))?;
    sync_directory(parent(path))
}

/// Makes `path` a file of these bytes, in one step that survives a crash, unless it is there: whoever has that open keeps
/// the one that is there. Returns whether it was made.
pub(crate) fn create_new(path: &Path, bytes: &[u8]) -> Result<bool, Error> {
    match written_beside(path, bytes)?.persist_noclobber(path) {
        Ok(_) => sync_directory(parent(path)).map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::io("rename to", path, error.error)),
    }
}

/// A temporary file of these bytes, synced, in the directory of `path`.
fn written_beside(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, Error> {
    let mut temp = temp_in(parent(path))?;
    temp.as_file_mut()
        .write_all(bytes)
        .and_then(|()| temp.as_file().sync_all())
        .map_err(|error| Error::io("write", path, error))?;
    Ok(temp)
}

/// Makes the names in a directory survive a crash.
pub(crate) fn sync_directory(path: &Path) -> Result<(), Error> {
    // Elsewhere a directory cannot be opened as a file, and renames are journalled.
    if cfg!(unix) {
        File::open(path)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| Error::io("sync", path, error))?;
    }
    Ok(())
}

/// Creates a directory and those above it; returns the ones that were not there, outermost first. When
/// that fails none of them is left.
pub(crate) fn create_directories(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut missing: Vec<&Path> = path
        .ancestors()
        .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.is_dir())
        .collect();
    missing.reverse();
    let mut made = Vec::new();
    for directory in missing {
        match fs::create_dir(directory) {
            Ok(()) => made.push(directory.to_owned()),
            // Somebody else was faster.
            Err(_) if directory.is_dir() => {}
            Err(error) => {
                for directory in made.iter().rev() {
                    let _ = fs::remove_dir(directory);
                }
                return Err(Error::io("create directory", directory, error));
            }
        }
    }
    Ok(made)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
