//! How an image or index is listed in `index.json`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use oci_spec::image::Platform;

/// The annotation that names an entry of `index.json`.
///
/// [Spec](https://github.com/opencontainers/image-spec/blob/main/annotations.md#pre-defined-annotation-keys)
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// How an image or index is appended to a layout.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct AppendOptions {
    /// Annotations of the entry in `index.json`, on top of those that the content brings. Default: none.
    pub annotations: BTreeMap<String, String>,
    /// The platform of the entry. Default: that of the content's own descriptor, if it has one.
    pub platform: Option<Platform>,
    /// How many blobs are written at a time. Default: 8.
    pub jobs: NonZeroUsize,
}

impl AppendOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an annotation to the entry.
    #[must_use]
    pub fn with_annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// Names the entry: the annotation `org.opencontainers.image.ref.name`.
    #[must_use]
    pub fn with_ref_name(self, name: impl Into<String>) -> Self {
        self.with_annotation(REF_NAME, name)
    }

    /// Sets the platform of the entry.
    #[must_use]
    pub fn with_platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Sets how many blobs are written at a time.
    #[must_use]
    pub fn with_jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = jobs;
        self
    }
}

impl Default for AppendOptions {
    fn default() -> Self {
        Self {
            annotations: BTreeMap::new(),
            platform: None,
            jobs: const { NonZeroUsize::new(8).expect("not zero") },
        }
    }
}
