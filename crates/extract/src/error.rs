//! What can go wrong when a filesystem is merged or unpacked.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

/// What can go wrong when an image's filesystem is merged or unpacked.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The image cannot say what its layers are.
    #[error("retrieving image layers")]
    Layers {
        /// What the image said.
        source: Box<wharf_v1::Error>,
    },
    /// A layer cannot be opened or read, its bytes are not those that its descriptor promises, or it swells
    /// more when it is decompressed than the limits allow.
    #[error("reading layer {position}")]
    Read {
        /// Which layer, counted from 0, the base.
        position: usize,
        /// What went wrong.
        source: Box<wharf_v1::Error>,
    },
    /// A layer is no tar archive, or a damaged one.
    #[error("layer {position} is not a valid tar archive")]
    NotTar {
        /// Which layer, counted from 0, the base.
        position: usize,
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The name of an entry leads out of the image, on one of the systems that it may be unpacked on.
    #[error("unsafe tar path {path:?}")]
    UnsafePath {
        /// The name.
        path: String,
    },
    /// A hard link names a file that no layer has where the link can see it.
    #[error("hard link {path:?} to {target:?}, which is not there")]
    DanglingLink {
        /// The link.
        path: String,
        /// What it should link to.
        target: String,
    },
    /// A hard link names a directory, to which no system makes one.
    #[error("hard link {path:?} to {target:?}, which is a directory")]
    DirectoryLink {
        /// The link.
        path: String,
        /// What it should link to.
        target: String,
    },
    /// A layer has a path more than once, and that is refused.
    #[error("layer {position} has {path:?} more than once")]
    Replaced {
        /// Which layer, counted from 0, the base.
        position: usize,
        /// The path.
        path: String,
    },
    /// The layers have more entries than the limit allows, or many times more directories that no entry
    /// describes.
    #[error("layers have more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// The merged filesystem has more bytes than the limit allows.
    #[error("filesystem is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The image has nothing at this path.
    #[error("{path:?} is not there")]
    NoSuchFile {
        /// The path that was asked for.
        path: String,
    },
    /// What the image has at this path is no regular file.
    #[error("{path:?} is no regular file")]
    NotFile {
        /// The path that was asked for.
        path: String,
    },
    /// The path leads through more links than it may.
    #[error("too many links on the way to {path:?}")]
    TooManyLinks {
        /// The path that was asked for.
        path: String,
    },
    /// A file cannot be kept while the rest of the image is read.
    #[error("writing a temporary file")]
    Spool {
        /// What the system said.
        source: io::Error,
    },
    /// Unpacking was given up, because nobody waits for it any more.
    #[error("unpacking was given up")]
    Aborted,
    /// Something cannot be written below the directory that is unpacked to.
    #[error("{action} {}", .path.display())]
    Io {
        /// What was tried, as a verb: `create`, `link` …
        action: &'static str,
        /// On what, below the directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Where a directory is needed there is something else, a symbolic link maybe, or a directory with
    /// something in it is where a file is to be.
    #[error("{} is in the way", .path.display())]
    Obstructed {
        /// What is in the way, below the directory that is unpacked to.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn read(position: usize, error: impl Into<wharf_v1::Error>) -> Self {
        let source = Box::new(error.into());
        // What we said ourselves on the way through a reader needs no wrapping.
        match *source {
            wharf_v1::Error::Source(inner) => match inner.downcast::<Self>() {
                Ok(own) => *own,
                Err(other) => Self::Read {
                    position,
                    source: Box::new(wharf_v1::Error::Source(other)),
                },
            },
            source => Self::Read {
                position,
                source: Box::new(source),
            },
        }
    }
}

/// For the streams of `wharf-v1`: the error is found again with `source_ref`.
impl From<Error> for wharf_v1::Error {
    fn from(error: Error) -> Self {
        Self::source(error)
    }
}
