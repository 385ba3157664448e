//! Appending children.

use std::collections::HashMap;
use std::sync::Arc;

use oci_spec::image::{Descriptor, MediaType, Platform};
use wharf_v1::{Child, Error, Image, Index, Layer};

use super::{Change, MutatedIndex};
use crate::annotations::collect;

/// What is added to an index: an image, an index or a blob, and what the index says of it.
#[derive(Clone, Debug)]
pub struct IndexAddendum {
    pub(super) child: Child,
    platform: Option<Platform>,
    urls: Option<Vec<String>>,
    annotations: Option<HashMap<String, String>>,
    artifact_type: Option<MediaType>,
}

impl IndexAddendum {
    /// A child of any kind.
    #[must_use]
    pub fn new(child: Child) -> Self {
        Self {
            child,
            platform: None,
            urls: None,
            annotations: None,
            artifact_type: None,
        }
    }

    /// An image or artifact.
    #[must_use]
    pub fn image(image: impl Image) -> Self {
        Self::new(Child::Image(Arc::new(image)))
    }

    /// A nested index.
    #[must_use]
    pub fn index(index: impl Index) -> Self {
        Self::new(Child::Index(Arc::new(index)))
    }

    /// Content that is neither.
    #[must_use]
    pub fn blob(blob: impl Layer) -> Self {
        Self::new(Child::Blob(Arc::new(blob)))
    }

    /// Sets what platform the child is for. Default: what its descriptor says, or else its config.
    #[must_use]
    pub fn with_platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Sets from where the child may be downloaded. Default: what its descriptor says.
    #[must_use]
    pub fn with_urls(mut self, urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.urls = Some(urls.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the annotations that the index gives the child. Default: those of its descriptor.
    #[must_use]
    pub fn with_annotations<K, V>(mut self, annotations: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        self.annotations = Some(collect(annotations).into_iter().collect());
        self
    }

    /// Sets what the child is for. Default: what its descriptor says, or else its manifest if it is no
    /// image.
    #[must_use]
    pub fn with_artifact_type(mut self, artifact_type: MediaType) -> Self {
        self.artifact_type = Some(artifact_type);
        self
    }

    /// The child's entry in the index.
    pub(super) async fn descriptor(&self) -> Result<Descriptor, Error> {
        let mut descriptor = self.child.own_descriptor().await?;
        if self.platform.is_some() {
            descriptor.set_platform(self.platform.clone());
        }
        if self.urls.is_some() {
            descriptor.set_urls(self.urls.clone());
        }
        if self.annotations.is_some() {
            descriptor.set_annotations(self.annotations.clone());
        }
        if self.artifact_type.is_some() {
            descriptor.set_artifact_type(self.artifact_type.clone());
        }
        Ok(descriptor)
    }
}

/// The index with these children after those that it has, in order.
///
/// Each entry says of its child what [`Child::own_descriptor`] does, unless the addendum says
/// otherwise; digest, size and media type are always the child's. An image may have layers that are
/// read only once: the index's manifest is [`Error::NotComputed`] until they were.
///
/// ```
/// use std::sync::Arc;
/// use wharf_mutate::{IndexAddendum, append_children};
/// use wharf_v1::{IndexExt as _, PlatformSpec, empty, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let arm = PlatformSpec::new("linux", "arm64");
/// let addendum = IndexAddendum::image(random::image(1, 1, 100)).with_platform(arm.to_platform());
/// let index = append_children(Arc::new(empty::index()), [addendum]);
/// assert!(index.image_for(&arm).await.is_ok());
/// # Ok(()) }
/// ```
///
/// Ancestor in Go: `mutate.AppendManifests`.
pub fn append_children(
    base: Arc<dyn Index>,
    addenda: impl IntoIterator<Item = IndexAddendum>,
) -> MutatedIndex {
    MutatedIndex::new(base, Change::Append(addenda.into_iter().collect()))
}
