//! What can go wrong with a cache.

use std::io;
use std::path::{Path, PathBuf};

use oci_spec::image::Digest;

/// What can go wrong with a cache.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refuses.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The bytes of an entry cannot be read, or are not those of its digest.
    #[error("cannot keep {digest}")]
    Content {
        /// Which entry.
        digest: Digest,
        /// What is wrong with its bytes.
        source: Box<wharf_v1::Error>,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { doing, path, source }
    }

    pub(crate) fn content(digest: &Digest, source: wharf_v1::Error) -> Self {
        Self::Content {
            digest: digest.clone(),
            source: Box::new(source),
        }
    }
}
