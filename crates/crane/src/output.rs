//! Files that are there whole, or not at all.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// A file under way.
pub(crate) enum Output {
    /// A file beside its place, which it gets when it is whole.
    Temporary { file: NamedTempFile, path: PathBuf },
    /// A pipe or device, which takes what comes.
    Direct,
}

impl Output {
    /// Begins a file for `path`; what is there stays until the new one is [kept](Self::keep). Dropped before, it goes.
    pub(crate) fn create(path: &Path) -> io::Result<(Self, tokio::fs::File)> {
        let is_special = fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir());
        if is_special {
            let file = OpenOptions::new().write(true).open(path)?;
            return Ok((Self::Direct, tokio::fs::File::from_std(file)));
        }
        // What a link leads to is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = Builder::new();
        builder.prefix(".wharf-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(directory)?;
        let writer = tokio::fs::File::from_std(file.reopen()?);
        Ok((Self::Temporary { file, path }, writer))
    }

    /// Puts the file in its place.
    pub(crate) fn keep(self) -> io::Result<()> {
        match self {
            Self::Temporary { file, path } => file.persist(path).map(drop).map_err(|error| error.error),
            Self::Direct => Ok(()),
        }
    }
}
