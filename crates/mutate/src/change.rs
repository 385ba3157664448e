//! What is other in an image than in its base.

use std::fmt;
use std::sync::Arc;

use oci_spec::image::{ImageConfiguration, ImageManifest};
use wharf_layer::Family;
use wharf_v1::{Config, Layer};

use crate::append::Added;

/// What is other than in the base.
pub(crate) enum Change {
    Append(Vec<Added>),
    Config(Box<dyn Fn(&mut ImageConfiguration) + Send + Sync>),
    /// Another config, of whatever media type.
    OtherConfig(Config),
    /// An edit of the manifest that touches neither config, layers nor media type.
    Manifest(Box<dyn Fn(&mut ImageManifest) + Send + Sync>),
    /// All media types, in one family.
    Family(Family),
    /// All layers are given, and the documents are computed.
    Layers(Vec<Arc<dyn Layer>>),
}

impl Change {
    pub(crate) fn manifest(edit: impl Fn(&mut ImageManifest) + Send + Sync + 'static) -> Self {
        Self::Manifest(Box::new(edit))
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(added) => f.debug_tuple("Append").field(added).finish(),
            Self::Config(_) => f.write_str("Config"),
            Self::OtherConfig(config) => f.debug_tuple("OtherConfig").field(config).finish(),
            Self::Manifest(_) => f.write_str("Manifest"),
            Self::Family(family) => f.debug_tuple("Family").field(family).finish(),
            Self::Layers(layers) => f.debug_tuple("Layers").field(layers).finish(),
        }
    }
}
