//! What can go wrong with an archive.

use std::io;
use std::path::{Path, PathBuf};

use oci_spec::image::Digest;
use wharf_v1::Codec;

/// What can go wrong when a tar file is read or written.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused: the archive is missing, the disk is full …
    #[error("{action} {}", .path.display())]
    Io {
        /// What was tried, as a verb: `open`, `write`, `rename to` …
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The writer that an archive goes to failed.
    #[error("writing archive")]
    Write {
        /// What it said.
        source: io::Error,
    },
    /// The archive ends in the middle, or is so short that it is none.
    #[error("unexpected EOF")]
    UnexpectedEof,
    /// The file is no tar archive.
    #[error("invalid tar header")]
    NotTar {
        /// Where it stops being one.
        source: io::Error,
    },
    /// The archive as a whole is compressed, and cannot be unpacked.
    #[error("unpacking archive compressed with {codec}")]
    Unpack {
        /// With what it is compressed.
        codec: Codec,
        /// What went wrong: damage, a codec that is not built in, more bytes than the limit.
        source: Box<wharf_v1::Error>,
    },
    /// The archive has more entries than any real one.
    #[error("archive has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
    /// The archive does not have this file.
    #[error("file {name} not found in tar")]
    FileNotFound {
        /// The file's name.
        name: String,
    },
    /// Links in the archive lead in a circle.
    #[error("link cycle detected for {name}")]
    LinkCycle {
        /// The link that was met twice.
        name: String,
    },
    /// A file in the archive is not of a kind that can be read: a directory, a device, a sparse file.
    #[error("{name} in tar is not a regular file")]
    NotRegular {
        /// The file's name.
        name: String,
    },
    /// A document in the archive is larger than anything sensible.
    #[error("{name} exceeds {limit} byte limit")]
    TooLarge {
        /// The file's name.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A blob to write could not be read.
    #[error("reading layer {digest}")]
    ReadLayer {
        /// The blob's digest.
        digest: Digest,
        /// What went wrong.
        source: Box<wharf_v1::Error>,
    },
    /// Content could not be read.
    #[error(transparent)]
    Content(wharf_v1::Error),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }

    /// Whether the archive or a file in it does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::FileNotFound { .. } => true,
            _ => false,
        }
    }
}

/// An error of ours that went through a stream is ours again.
impl From<wharf_v1::Error> for Error {
    fn from(error: wharf_v1::Error) -> Self {
        match error {
            wharf_v1::Error::Source(source) => match source.downcast() {
                Ok(own) => *own,
                Err(other) => Self::Content(wharf_v1::Error::Source(other)),
            },
            error => Self::Content(error),
        }
    }
}
