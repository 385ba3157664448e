//! Replacing a file of credentials as a whole.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::ConfigDocument;
use crate::docker::read;
use crate::{ConfigSource, Error};

/// How many links are followed.
const MAX_LINKS: usize = 40;

/// What to do where there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfMissing {
    Create,
    Leave,
}

/// Changes the file at `path` under its lock, so that none of several writers' changes is lost.
///
/// Who reads it meanwhile sees the old file or the new one. It is for its owner alone, mode 0600, in a
/// directory that, if it is made here, has mode 0700.
pub(super) fn edit(
    path: &Path,
    if_missing: IfMissing,
    change: impl FnOnce(&mut ConfigDocument) -> Result<(), Error>,
) -> Result<(), Error> {
    let unwritable = |error| Error::Unwritable {
        path: path.to_owned(),
        source: Arc::new(error),
    };
    let target = follow(path).map_err(unwritable)?;
    let directory = match target.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    match if_missing {
        IfMissing::Create => create(directory).map_err(unwritable)?,
        IfMissing::Leave if !target.exists() => return Ok(()),
        IfMissing::Leave => {}
    }
    let lock = lock(&target).map_err(unwritable)?;
    let text = match read(&target) {
        Err(Error::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Zeroizing::default()
        }
        text => text?,
    };
    let old = ConfigDocument::from_text(&text, ConfigSource::File(target.clone()))?;
    let mut new = old.clone();
    change(&mut new)?;
    if new != old {
        replace(&target, directory, new.to_text().expose()).map_err(unwritable)?;
    }
    drop(lock);
    Ok(())
}

/// The file that `path` leads to, which need not be there.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // No link, or nothing at all.
            Err(_) => return Ok(path),
        }
    }
    // Has the system say it in its words.
    path.metadata()?;
    Ok(path)
}

fn create(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Waits until nobody else writes. The file locked is one beside the target, as that one is replaced; it
/// stays, since to remove it would let two others lock two of them.
fn lock(target: &Path) -> io::Result<File> {
    let mut name = target.as_os_str().to_owned();
    name.push(".lock");
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(name)?;
    match file.lock() {
        // Some network file systems have no locks; the replacement is whole all the same.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        locked => locked.map(|()| file),
    }
}

fn replace(target: &Path, directory: &Path, text: &str) -> io::Result<()> {
    // Made for its owner alone.
    let mut file = tempfile::Builder::new()
        .prefix(".config.json.")
        .tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    if let Ok(old) = target.metadata() {
        use std::os::unix::fs::MetadataExt as _;
        // Root, with the home of another user, must not take the file from them. Others may not give files
        // away and do not need to.
        let _ = std::os::unix::fs::fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}
