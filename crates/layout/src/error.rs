//! What can go wrong with a layout.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};

use oci_spec::image::Digest;

/// What can go wrong when a layout is opened, read or written.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused: the directory is missing, not writable, full …
    #[error("{action} {}", .path.display())]
    Io {
        /// What was tried, as a verb: `open`, `write`, `rename` …
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The layout's version is not one that we know how to read.
    #[error("{}: unsupported image layout version {version:?}", .path.display())]
    Version {
        /// The `oci-layout` file.
        path: PathBuf,
        /// The version it names.
        version: String,
    },
    /// `oci-layout` or `index.json` is not what it should be.
    #[error("parsing {}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// `oci-layout` or `index.json` is larger than anything sensible.
    #[error("{} exceeds {limit} byte limit", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A blob is a symbolic link, which could lead out of the layout.
    #[error("layout blob {digest} is a symlink")]
    Symlink {
        /// The blob's digest.
        digest: Digest,
    },
    /// A blob is a directory, a pipe or a device.
    #[error("layout blob {digest} is not a regular file")]
    NotRegular {
        /// The blob's digest.
        digest: Digest,
    },
    /// A blob could not be stored, because reading it failed or it was not what its descriptor says.
    #[error("storing blob {digest}")]
    Store {
        /// The blob's digest.
        digest: Digest,
        /// What went wrong with its bytes.
        source: Box<wharf_v1::Error>,
    },
    /// A layer whose digest is only known once it was read could not be read.
    #[error("storing a streamed layer")]
    StoreStream {
        /// What went wrong with its bytes.
        source: Box<wharf_v1::Error>,
    },
    /// An index nests deeper than any real one.
    #[error("index is nested more than {limit} levels deep")]
    TooDeep {
        /// How many levels are allowed.
        limit: usize,
    },
    /// A blob that the image needs is not in the layout, although the image's layers were all stored:
    /// its manifest names another, or something removed it at once.
    #[error("blob {digest} is missing from the layout")]
    Missing {
        /// The blob's digest.
        digest: Digest,
    },
    /// A layout in a tar file could not be read or written as a tar.
    #[error(transparent)]
    Archive(#[from] wharf_archive::Error),
    /// The image or index to append could not be read.
    #[error(transparent)]
    Content(#[from] wharf_v1::Error),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }

    /// Whether the directory, file or content that was asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Content(wharf_v1::Error::NotFound { .. }) => true,
            Self::Archive(error) => error.is_not_found(),
            _ => false,
        }
    }
}

/// For the traits of `wharf-v1`: the layout's error is found again with `source_ref`.
impl From<Error> for wharf_v1::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Content(error) => error,
            error => Self::source(error),
        }
    }
}
