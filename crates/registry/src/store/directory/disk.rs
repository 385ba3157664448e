//! Changes on disk that are there, whole, when they are reported, and not at all before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

/// How often a directory is tried to be made whose parent is there: somebody may have just removed that.
const ATTEMPTS: usize = 8;

/// Makes a directory and what is above it. What is made is there for good when this returns.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    let mut made = make_last(dir);
    for _ in 1..ATTEMPTS {
        // Some file systems say so of any new directory, whether or not the parent is there.
        let Err(ErrorKind::NotFound) = made.as_ref().map_err(io::Error::kind) else {
            break;
        };
        let Some(parent) = dir.parent() else { break };
        make_dir(parent)?;
        made = make_last(dir);
    }
    made
}

/// Makes a directory whose parent is there.
fn make_last(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        Ok(()) => dir.parent().map_or(Ok(()), sync_dir),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Writes a file in one step: whoever reads it sees the old bytes or the new ones.
pub(super) fn write(tmp: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().ok_or(ErrorKind::InvalidInput)?;
    make_dir(dir)?;
    let mut builder = tempfile::Builder::new();
    // Like any other file here, not for this user only: what the umask leaves.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(tmp)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_dir(dir)
}

/// Makes an empty file, if it is not there.
pub(super) fn touch(path: &Path) -> io::Result<()> {
    touch_unsynced(path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Makes an empty file, if it is not there, that may be gone after a crash of the machine.
pub(super) fn touch_unsynced(path: &Path) -> io::Result<()> {
    make_dir(path.parent().ok_or(ErrorKind::InvalidInput)?)?;
    OpenOptions::new().create(true).append(true).open(path).map(drop)
}

/// Moves a file, whose bytes were synced, over whatever is at `path`.
pub(super) fn rename(from: &Path, path: &Path) -> io::Result<()> {
    let dir = path.parent().ok_or(ErrorKind::InvalidInput)?;
    make_dir(dir)?;
    fs::rename(from, path)?;
    sync_dir(dir)
}

/// Removes a file. Tells whether it was there.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_dir).map(|()| true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The bytes of a small file, if it is there.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    present(fs::read(path))
}

/// Whether a file or directory is there.
pub(super) fn exists(path: &Path) -> io::Result<bool> {
    present(fs::symlink_metadata(path)).map(|found| found.is_some())
}

/// The names in a directory, in no order; none if it is not there. Names that are not UTF-8 are not ours.
pub(super) fn names(dir: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = present(fs::read_dir(dir))? else {
        return Ok(Vec::new());
    };
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
    names.filter_map(Result::transpose).collect()
}

/// Absence is no error here.
pub(super) fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Makes what happened in a directory last.
fn sync_dir(dir: &Path) -> io::Result<()> {
    // Windows cannot open directories, and does not need it: its renames are in the journal.
    if cfg!(unix) {
        File::open(dir)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_cannot_be_made_is_an_error() {
        // The parent of the empty path is none, and no directory can be made of it.
        assert!(make_dir(Path::new("")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_without_new_directories_is_an_error() {
        let error = make_dir(Path::new("/proc/wharf/store")).expect_err("no directory");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
