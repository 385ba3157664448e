//! What to copy.

use wharf_name::Tag;
use wharf_v1::PlatformSpec;

/// What to copy. The default is everything that the source names, and nothing else.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyOptions {
    /// Only the image for this platform, where the source is an index. Default: the whole index.
    pub platform: Option<PlatformSpec>,
    /// Which children of an index are copied, where not the image for one [`platform`](Self::platform) is. Default: all.
    pub children: Children,
    /// More tags of the destination's repository that shall name the same. Default: none.
    pub tags: Vec<Tag>,
    /// Whether what refers to it is copied too: signatures, SBOMs, what refers to those, and so on. Default: no.
    pub referrers: bool,
    /// Whether tags are copied too that are named after its digest, as signing tools make them (`sha256-….sig`).
    /// Default: no.
    pub digest_tags: bool,
}

/// Which children of an index are copied.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Children {
    /// All of them.
    #[default]
    All,
    /// Those for these platforms; the index stays as it is, and keeps its digest, but what it says of other platforms
    /// cannot be had at the destination. Not all registries take such an index.
    Sparse(Vec<PlatformSpec>),
    /// Those for these platforms, in an index of just them, which has another digest.
    Subset(Vec<PlatformSpec>),
}

impl CopyOptions {
    /// Copies only the image for this platform.
    #[must_use]
    pub fn with_platform(mut self, platform: PlatformSpec) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Copies these children of an index.
    #[must_use]
    pub fn with_children(mut self, children: Children) -> Self {
        self.children = children;
        self
    }

    /// Gives the copy more tags.
    #[must_use]
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        self.tags = tags.into_iter().collect();
        self
    }

    /// Sets whether what refers to it is copied too.
    #[must_use]
    pub fn with_referrers(mut self, referrers: bool) -> Self {
        self.referrers = referrers;
        self
    }

    /// Sets whether tags are copied too that are named after its digest.
    #[must_use]
    pub fn with_digest_tags(mut self, digest_tags: bool) -> Self {
        self.digest_tags = digest_tags;
        self
    }
}
