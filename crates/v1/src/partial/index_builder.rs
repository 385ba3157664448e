//! Indexes made of their children.

use std::collections::HashMap;
use std::sync::Arc;

use oci_spec::image::{Descriptor, ImageIndexBuilder, MediaType, Platform, SCHEMA_VERSION};

use super::AssembledIndex;
use crate::media_type::Family;
use crate::{Child, Error, Image, Index, IndexManifest, Layer, PlatformSpec};

/// Makes an index of images, indexes and blobs.
///
/// ```
/// use wharf_v1::media_type::Family;
/// use wharf_v1::partial::IndexBuilder;
/// use wharf_v1::{IndexExt as _, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let index = IndexBuilder::new(Family::Oci).image(random::image(1, 1, 100)).build().await?;
/// // The platform is that of the image's config.
/// let listed = &index.children().await?[0];
/// assert_eq!(listed.platform().as_ref().map(|p| p.os().to_string()), Some("linux".to_owned()));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is made until `build` is awaited"]
pub struct IndexBuilder {
    family: Family,
    children: Vec<Entry>,
    annotations: HashMap<String, String>,
    subject: Option<Descriptor>,
    artifact_type: Option<MediaType>,
}

#[derive(Clone, Debug)]
struct Entry {
    child: Child,
    listing: Listing,
}

#[derive(Clone, Debug)]
enum Listing {
    /// As the child describes itself.
    Own,
    /// As it describes itself, for this platform.
    For(Platform),
    /// Just so.
    Verbatim(Descriptor),
}

impl IndexBuilder {
    /// An index of this family without children.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            children: Vec::new(),
            annotations: HashMap::new(),
            subject: None,
            artifact_type: None,
        }
    }

    /// Lists an image, for the platform that its descriptor or else its config says.
    pub fn image(self, image: impl Image) -> Self {
        self.push(Child::Image(Arc::new(image)), Listing::Own)
    }

    /// Lists an image for this platform, whatever its config says.
    pub fn image_for(self, image: impl Image, platform: &PlatformSpec) -> Self {
        self.push(
            Child::Image(Arc::new(image)),
            Listing::For(platform.to_platform()),
        )
    }

    /// Lists an index.
    pub fn index(self, index: impl Index) -> Self {
        self.push(Child::Index(Arc::new(index)), Listing::Own)
    }

    /// Lists a blob.
    pub fn blob(self, blob: impl Layer) -> Self {
        self.push(Child::Blob(Arc::new(blob)), Listing::Own)
    }

    /// Lists a child with a descriptor that is taken as it is, from another index say.
    pub fn child(self, child: Child, descriptor: Descriptor) -> Self {
        self.push(child, Listing::Verbatim(descriptor))
    }

    fn push(mut self, child: Child, listing: Listing) -> Self {
        self.children.push(Entry { child, listing });
        self
    }

    /// Annotates the index.
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// Makes the index refer to another manifest.
    pub fn subject(mut self, subject: Descriptor) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Says what the index is for.
    pub fn artifact_type(mut self, artifact_type: MediaType) -> Self {
        self.artifact_type = Some(artifact_type);
        self
    }

    /// Writes the index.
    ///
    /// # Errors
    /// What the children give when they are asked for their descriptors, manifests and configs.
    pub async fn build(self) -> Result<AssembledIndex, Error> {
        let mut listed = Vec::with_capacity(self.children.len());
        let mut children = Vec::with_capacity(self.children.len());
        for Entry { child, listing } in self.children {
            let descriptor = match listing {
                Listing::Own => child.own_descriptor().await?,
                Listing::For(platform) => {
                    let mut descriptor = child.own_descriptor().await?;
                    descriptor.set_platform(Some(platform));
                    descriptor
                }
                Listing::Verbatim(descriptor) => descriptor,
            };
            children.push((descriptor.digest().clone(), child));
            listed.push(descriptor);
        }
        let mut manifest = ImageIndexBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .manifests(listed)
            .build()
            .expect("all required fields are set");
        manifest
            .set_annotations((!self.annotations.is_empty()).then_some(self.annotations))
            .set_subject(self.subject)
            .set_artifact_type(self.artifact_type);
        let manifest = IndexManifest::from_view(manifest, self.family.index());
        Ok(AssembledIndex::new(manifest, children))
    }
}
