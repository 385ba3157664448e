//! Opening the directory of a store: who uses it, and of which version it is.

use std::fs::{File, TryLockError};
use std::io;
use std::sync::Arc;

use crate::store::Error;
use crate::store::intake::join;

use super::disk;
use super::layout::Layout;

/// The format of the directory.
const VERSION: &[u8] = b"1\n";

/// How a directory is used.
#[derive(Clone, Copy)]
pub(super) enum Lock {
    /// By a store, beside other stores.
    Shared,
    /// By whoever wants nobody else to use it.
    Alone,
}

/// Says that the directory is used, as long as the file is open.
pub(super) async fn lock(layout: Arc<Layout>, lock: Lock) -> Result<File, Error> {
    let work = move || {
        disk::make_dir(layout.root())?;
        let file = File::options().create(true).append(true).open(layout.in_use())?;
        let taken = match lock {
            Lock::Shared => file.try_lock_shared(),
            Lock::Alone => file.try_lock(),
        };
        match taken {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    };
    join(tokio::task::spawn_blocking(work)).await
}

/// Makes what every store has, unless the directory is of a version that is not known here.
pub(super) fn prepare(layout: &Layout) -> Result<(), Error> {
    for dir in [layout.tmp(), layout.blobs(), layout.repositories()] {
        disk::make_dir(&dir)?;
    }
    match disk::read(&layout.version())? {
        None => Ok(disk::write(&layout.tmp(), &layout.version(), VERSION)?),
        Some(version) if version == VERSION => Ok(()),
        Some(_) => {
            let message = "the directory is of a later version";
            Err(io::Error::new(io::ErrorKind::InvalidData, message).into())
        }
    }
}
