//! Removing what was left behind: uploads that nobody goes on with, and temporary files of processes
//! that were killed.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use crate::store::Error;

use super::disk;
use super::layout::Layout;
use super::walk;

/// How old a temporary file is at least when it belongs to nobody. They live for moments.
const TEMPORARY: Duration = Duration::from_secs(60 * 60);

/// Removes what is older than it should become.
pub(super) fn sweep(layout: &Layout, upload_expiry: Duration) -> Result<(), Error> {
    sweep_dir(&layout.tmp(), TEMPORARY)?;
    for repository in walk::repositories(layout)? {
        sweep_dir(&layout.repository(&repository).uploads(), upload_expiry)?;
    }
    Ok(())
}

fn sweep_dir(dir: &Path, expiry: Duration) -> Result<(), Error> {
    for name in disk::names(dir)? {
        let path = dir.join(name);
        let Some(file) = disk::present(File::open(&path))? else {
            continue;
        };
        // Whoever writes to an upload holds its lock.
        if !is_older(&file, expiry)? || file.try_lock().is_err() || !is_older(&file, expiry)? {
            continue;
        }
        if let Some(()) = disk::present(fs::remove_file(&path))? {
            tracing::info!(path = %path.display(), "removed what was left behind");
        }
    }
    Ok(())
}

fn is_older(file: &File, expiry: Duration) -> Result<bool, Error> {
    let modified = file.metadata()?.modified()?;
    // A time in the future is a clock that was set back: too young.
    Ok(modified.elapsed().is_ok_and(|age| age >= expiry))
}
