//! How an image or index is listed in `index.json`.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;

use oci_spec::image::{Descriptor, ImageIndex, ImageManifest, MediaType, Platform};
use wharf_v1::REF_NAME;

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
    /// How far a blob that is in the layout already is trusted. Default: [`PresentCheck::Size`].
    pub present_check: PresentCheck,
}

/// How a blob that is there already is judged, before it is taken for good and not read from its source.
/// One that does not pass is replaced.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PresentCheck {
    /// By its size alone, which costs nothing.
    #[default]
    Size,
    /// By its size and its digest: it is read as a whole. This repairs what a bad disk has flipped.
    Digest,
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

    /// Sets how far blobs that are there already are trusted.
    #[must_use]
    pub fn with_present_check(mut self, check: PresentCheck) -> Self {
        self.present_check = check;
        self
    }
}

impl Default for AppendOptions {
    fn default() -> Self {
        Self {
            annotations: BTreeMap::new(),
            platform: None,
            jobs: const { NonZeroUsize::new(8).expect("not zero") },
            present_check: PresentCheck::default(),
        }
    }
}

/// What of a manifest or index its entry repeats.
pub(crate) trait Listed {
    fn annotations(&self) -> Option<&HashMap<String, String>>;
    fn artifact_type(&self) -> Option<&MediaType>;
}

impl Listed for ImageManifest {
    fn annotations(&self) -> Option<&HashMap<String, String>> {
        self.annotations().as_ref()
    }
    fn artifact_type(&self) -> Option<&MediaType> {
        self.artifact_type().as_ref()
    }
}

impl Listed for ImageIndex {
    fn annotations(&self) -> Option<&HashMap<String, String>> {
        self.annotations().as_ref()
    }
    fn artifact_type(&self) -> Option<&MediaType> {
        self.artifact_type().as_ref()
    }
}

/// The line in `index.json`: the content's own descriptor and what its manifest and the options add.
pub(crate) fn entry(mut own: Descriptor, manifest: &impl Listed, options: &AppendOptions) -> Descriptor {
    let mut annotations = manifest.annotations().cloned().unwrap_or_default();
    annotations.extend(own.annotations().clone().unwrap_or_default());
    annotations.extend(options.annotations.clone());
    own.set_annotations(Some(annotations).filter(|annotations| !annotations.is_empty()));
    if let Some(artifact_type) = manifest.artifact_type() {
        own.set_artifact_type(Some(artifact_type.clone()));
    }
    if let Some(platform) = &options.platform {
        own.set_platform(Some(platform.clone()));
    }
    own
}
