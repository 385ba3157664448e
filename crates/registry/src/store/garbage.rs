//! What was found to be garbage.

use oci_spec::image::Digest;

use crate::name::RepositoryName;
use crate::store::UploadId;

/// What was garbage, and is gone unless it was a dry run. Everything is in order.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct Garbage {
    /// Manifests, taken out of these repositories.
    pub manifests: Vec<(RepositoryName, Digest)>,
    /// Blobs, taken out of these repositories.
    pub blobs: Vec<(RepositoryName, Digest)>,
    /// Content that is in no repository, with its size in bytes.
    pub content: Vec<(Digest, u64)>,
    /// Uploads that nobody went on with, of a bucket. Those of a directory go by themselves while it is open.
    pub uploads: Vec<(RepositoryName, UploadId)>,
}

impl Garbage {
    /// Bytes of all content that is in no repository.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.content.iter().map(|(_, size)| size).sum()
    }
}
