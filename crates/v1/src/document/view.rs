//! The typed views of documents.

use std::fmt;

use oci_spec::image::{ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Which kind of document something is, for error messages and choices.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// The manifest of an image or artifact.
    Manifest,
    /// A list of manifests.
    Index,
    /// The config of an image.
    Config,
    /// A descriptor on its own.
    Descriptor,
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "manifest",
            Self::Index => "index",
            Self::Config => "config",
            Self::Descriptor => "descriptor",
        })
    }
}

/// A typed view of a document's JSON. Implemented for the three types of [`oci_spec::image`].
///
/// Do not write these types as JSON yourself: their maps are in no order, and a platform's `os.version`
/// comes out under another name. [`Document`](super::Document) does both right.
pub trait View:
    Clone + PartialEq + Serialize + DeserializeOwned + fmt::Debug + Send + Sync + 'static + sealed::Sealed
{
    /// The kind of document that this type describes.
    const KIND: DocumentKind;
}

impl View for ImageManifest {
    const KIND: DocumentKind = DocumentKind::Manifest;
}
impl View for ImageIndex {
    const KIND: DocumentKind = DocumentKind::Index;
}
impl View for ImageConfiguration {
    const KIND: DocumentKind = DocumentKind::Config;
}

pub(super) mod sealed {
    use super::MediaType;

    #[expect(unnameable_types, reason = "sealing is what it is for")]
    pub trait Sealed {
        /// The document's own `mediaType` field, for kinds that have one.
        fn own_media_type(&self) -> Option<&MediaType>;

        /// Sets the document's own `mediaType` field, for kinds that have one.
        fn set_own_media_type(&mut self, media_type: MediaType);

        /// Brings into an order what parsing left in none.
        fn settle(&mut self) {}
    }
}

impl sealed::Sealed for ImageManifest {
    fn own_media_type(&self) -> Option<&MediaType> {
        self.media_type().as_ref()
    }

    fn set_own_media_type(&mut self, media_type: MediaType) {
        self.set_media_type(Some(media_type));
    }
}

impl sealed::Sealed for ImageIndex {
    fn own_media_type(&self) -> Option<&MediaType> {
        self.media_type().as_ref()
    }

    fn set_own_media_type(&mut self, media_type: MediaType) {
        self.set_media_type(Some(media_type));
    }
}

impl sealed::Sealed for ImageConfiguration {
    fn own_media_type(&self) -> Option<&MediaType> {
        None
    }

    fn set_own_media_type(&mut self, _: MediaType) {}

    /// oci-spec 0.10 reads sets into lists by way of a hash map.
    fn settle(&mut self) {
        let Some(mut config) = self.config().clone() else {
            return;
        };
        let sorted = |set: &Option<Vec<String>>| {
            let mut set = set.clone()?;
            set.sort_unstable();
            Some(set)
        };
        let (ports, volumes) = (sorted(config.exposed_ports()), sorted(config.volumes()));
        config.set_exposed_ports(ports).set_volumes(volumes);
        self.set_config(Some(config));
    }
}
