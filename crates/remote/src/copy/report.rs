//! What a copy did.

use oci_spec::image::Descriptor;

/// What a [copy](crate::Client::copy) did, or [would do](crate::Client::plan_copy).
///
/// Every blob and manifest that the copy came to is counted once, as one of these. What a manifest that is present
/// consists of was not looked at, and is not counted.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyReport {
    /// What the destination names now.
    pub descriptor: Descriptor,
    /// Manifests and indexes that were written, once for each name.
    pub manifests: Amount,
    /// Blobs that were sent.
    pub moved: Amount,
    /// Blobs that the registry took from another of its repositories.
    pub mounted: Amount,
    /// Blobs and manifests that the destination had.
    pub present: Amount,
    /// Blobs that must not be distributed, and were not.
    pub skipped: Amount,
    /// Requests that were sent to both registries, but for those that the HTTP stack made on its own: for tokens,
    /// redirects and repetitions.
    pub requests: u64,
}

/// How many, and their bytes as stored.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub count: u64,
    /// Their sizes added up.
    pub bytes: u64,
}
