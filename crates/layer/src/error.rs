//! What can go wrong when a layer is made.

use std::io;
use std::path::{Path, PathBuf};

use wharf_v1::Codec;

/// What can go wrong when a layer is made.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory that goes into the layer cannot be read.
    #[error("{action} {}", .path.display())]
    Io {
        /// What was tried, as a verb: `open`, `read` …
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content of the layer cannot be read: the input failed, or its compression is damaged.
    #[error("reading layer")]
    Read {
        /// What went wrong.
        source: io::Error,
    },
    /// The content is no tar archive, or one that ends early.
    #[error("layer is not a valid tar archive")]
    NotTar {
        /// Where it stops being one.
        source: io::Error,
    },
    /// The temporary file cannot be written: the disk is full, or its directory is missing.
    #[error("writing layer to a temporary file")]
    Spool {
        /// What the system said.
        source: io::Error,
    },
    /// A file changed its size while it was read.
    #[error("{} changed while it was read", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A layer cannot be made one for Windows, since it is one: it has entries below `Files`.
    #[error("file path {path:?} already suitable for Windows")]
    ForWindows {
        /// The name of such an entry.
        path: String,
    },
    /// The name of an entry, or the target of a hard link, leads out of the layer.
    #[error("{path:?} leads out of the layer")]
    Escapes {
        /// The name or target.
        path: String,
    },
    /// The build lacks the feature for this compression.
    #[error("this build does not support {codec}")]
    Unsupported {
        /// The compression.
        codec: Codec,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }
}

/// For the traits of `wharf-v1`: the error is found again with `source_ref`.
impl From<Error> for wharf_v1::Error {
    fn from(error: Error) -> Self {
        Self::source(error)
    }
}
