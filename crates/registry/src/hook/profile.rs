//! Features that a registry may lack.

use std::collections::BTreeSet;

/// A feature that a registry may lack.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Chunks: without it `PATCH` is answered 405.
    ChunkedUpload,
    /// `ETag` and `If-None-Match`.
    ConditionalRequests,
    /// Deleting anything: without it 405.
    Deletion,
    /// `Docker-Content-Digest` on responses.
    DigestHeader,
    /// `HEAD` of blobs: without it 405.
    HeadBlobs,
    /// `HEAD` of manifests: without it 405.
    HeadManifests,
    /// An upload by one `POST`: without it the body is ignored and an upload is begun.
    MonolithicPost,
    /// Mounting: without it an upload is begun.
    Mount,
    /// `Link` to the next page.
    PageLinks,
    /// `Range` on blobs: without it the whole blob is sent.
    Ranges,
    /// The list of referrers and `OCI-Subject`: without it 404.
    Referrers,
    /// The filter of the list of referrers: without it the parameter is ignored.
    ReferrersFilter,
    /// `?tag=` on manifests put by digest: without it ignored.
    TagParameter,
    /// `DELETE` of an upload: without it 405.
    UploadCancel,
    /// `GET` of an upload: without it 405.
    UploadStatus,
}

/// Which features a registry has. The default has all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    lacking: BTreeSet<Feature>,
}

impl Profile {
    /// All features.
    #[must_use]
    pub fn full() -> Self {
        Self::default()
    }

    /// What the registry of go-containerregistry has.
    #[must_use]
    pub fn go_containerregistry() -> Self {
        Self::full()
            .without(Feature::ConditionalRequests)
            .without(Feature::Mount)
            .without(Feature::PageLinks)
            .without(Feature::Referrers)
            .without(Feature::TagParameter)
            .without(Feature::UploadCancel)
            .without(Feature::UploadStatus)
    }

    /// Takes a feature away.
    #[must_use]
    pub fn without(mut self, feature: Feature) -> Self {
        self.lacking.insert(feature);
        self
    }

    /// Whether a feature is there.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        !self.lacking.contains(&feature)
    }
}
