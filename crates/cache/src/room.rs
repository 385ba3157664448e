//! How much there is, and making room.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::Error;
use crate::store::digest_of;

/// How much a cache holds.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Entries.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was removed to make room.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Entries that were removed.
    pub removed: u64,
    /// Their bytes.
    pub freed: u64,
    /// Bytes of the entries that are left.
    pub left: u64,
}

struct Entry {
    path: PathBuf,
    size: u64,
    used: SystemTime,
}

pub(crate) async fn usage(root: &Path) -> Result<Usage, Error> {
    let root = root.to_owned();
    blocking(move || {
        let entries = entries(&root)?;
        Ok(Usage {
            blobs: entries.len() as u64,
            bytes: entries.iter().map(|entry| entry.size).sum(),
        })
    })
    .await
}

pub(crate) async fn trim(root: &Path, limit: u64) -> Result<Trimmed, Error> {
    let root = root.to_owned();
    blocking(move || {
        let mut entries = entries(&root)?;
        entries.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        let mut trimmed = Trimmed {
            left: entries.iter().map(|entry| entry.size).sum(),
            ..Trimmed::default()
        };
        if trimmed.left <= limit {
            return Ok(trimmed);
        }
        for entry in entries {
            if trimmed.left <= limit - limit / 10 {
                break;
            }
            match std::fs::remove_file(&entry.path) {
                Ok(()) => {
                    trimmed.removed += 1;
                    trimmed.freed += entry.size;
                }
                // Another process was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("remove", &entry.path, error)),
            }
            trimmed.left -= entry.size;
        }
        Ok(trimmed)
    })
    .await
}

/// Notes that an entry was used. That this cannot be noted is no matter.
pub(crate) fn touch(path: PathBuf) {
    // Nobody waits for it.
    tokio::task::spawn_blocking(move || {
        let touched = std::fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        if let Err(error) = touched {
            tracing::debug!(path = %path.display(), %error, "cannot note the use of an entry");
        }
    });
}

/// All entries; what is not named after a digest is none.
fn entries(root: &Path) -> Result<Vec<Entry>, Error> {
    let listed = std::fs::read_dir(root).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = Vec::new();
    for file in listed.map_err(|error| Error::io("list", root, error))? {
        if file.file_name().to_str().and_then(digest_of).is_none() {
            continue;
        }
        let path = file.path();
        match file.metadata() {
            Ok(metadata) => entries.push(Entry {
                size: metadata.len(),
                used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                path,
            }),
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("look at", &path, error)),
        }
    }
    Ok(entries)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(Error::io(
                "finish work on",
                Path::new("the cache"),
                io::Error::other(error),
            )),
        },
    }
}
