//! What can go wrong in a store.

use std::io;

use oci_spec::image::Digest;

use crate::body::BoxError;
use crate::name::{RepositoryName, TagName};
use crate::store::UploadId;

/// What can go wrong in a [`Store`](crate::store::Store).
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository does not have this blob.
    #[error("no blob {digest} in {repository}")]
    BlobUnknown {
        /// Where it was looked for.
        repository: RepositoryName,
        /// The blob.
        digest: Digest,
    },
    /// The repository does not have this manifest or tag.
    #[error("no manifest {identifier} in {repository}")]
    ManifestUnknown {
        /// Where it was looked for.
        repository: RepositoryName,
        /// The tag or digest.
        identifier: String,
    },
    /// Nothing was ever stored under this name.
    #[error("no repository {repository}")]
    RepositoryUnknown {
        /// The repository.
        repository: RepositoryName,
    },
    /// The upload was never begun, or is finished, cancelled or expired.
    #[error("no upload {id} in {repository}")]
    UploadUnknown {
        /// Where it was looked for.
        repository: RepositoryName,
        /// The upload.
        id: UploadId,
    },
    /// A chunk begins elsewhere than where the upload ends. The upload is as it was.
    #[error("chunk begins at {got}, upload is at {want}")]
    UploadOffset {
        /// Where the chunk begins, in bytes.
        got: u64,
        /// Where the upload ends, in bytes.
        want: u64,
    },
    /// A chunk is longer or shorter than announced. The upload is as it was.
    #[error("chunk of {got} bytes or more, {want} were announced")]
    UploadLength {
        /// Bytes that came; where too many came, the count at which reading stopped.
        got: u64,
        /// Bytes that were announced.
        want: u64,
    },
    /// Someone else is writing to this upload.
    #[error("upload is written by another request")]
    UploadBusy,
    /// As many uploads are open as the store allows.
    #[error("too many uploads are open")]
    TooManyUploads,
    /// The uploaded bytes have another digest than the client says.
    #[error("digest of the upload is {got}, not {want}")]
    DigestMismatch {
        /// Digest of the bytes.
        got: Digest,
        /// Digest that was promised.
        want: Digest,
    },
    /// Content cannot be stored under digests of this algorithm.
    #[error("digest algorithm {algorithm} is not supported")]
    UnsupportedAlgorithm {
        /// The algorithm's name.
        algorithm: String,
    },
    /// The client's side of an upload broke off.
    #[error("upload broke off")]
    Client(#[source] BoxError),
    /// The store is used by others, and what was asked for wants it alone, or garbage is being collected in it.
    #[error("the store is in use")]
    InUse,
    /// There is no room left.
    #[error("no space left in the store")]
    Full(#[source] io::Error),
    /// Reading or writing failed.
    #[error("reading or writing the store")]
    Io(#[source] io::Error),
    /// A store of another kind failed in its own way.
    #[error(transparent)]
    Other(BoxError),
}

impl Error {
    pub(crate) fn blob_unknown(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::BlobUnknown {
            repository: repository.clone(),
            digest: digest.clone(),
        }
    }

    pub(crate) fn manifest_unknown(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::ManifestUnknown {
            repository: repository.clone(),
            identifier: digest.to_string(),
        }
    }

    pub(crate) fn tag_unknown(repository: &RepositoryName, tag: &TagName) -> Self {
        Self::ManifestUnknown {
            repository: repository.clone(),
            identifier: tag.to_string(),
        }
    }

    pub(crate) fn upload_unknown(repository: &RepositoryName, id: &UploadId) -> Self {
        Self::UploadUnknown {
            repository: repository.clone(),
            id: id.clone(),
        }
    }

    /// Whether what was asked for is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::BlobUnknown { .. }
                | Self::ManifestUnknown { .. }
                | Self::RepositoryUnknown { .. }
                | Self::UploadUnknown { .. }
        )
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full(error),
            _ => Self::Io(error),
        }
    }
}

impl From<wharf_v1::Error> for Error {
    fn from(error: wharf_v1::Error) -> Self {
        match error {
            wharf_v1::Error::UnsupportedAlgorithm { algorithm } => Self::UnsupportedAlgorithm { algorithm },
            other => Self::Other(other.into()),
        }
    }
}
