//! What a manifest is told by.

use std::collections::BTreeMap;

use serde::Serialize;
use wharf::v1::PlatformSpec;
use wharf::v1::oci_spec::image::Descriptor;

/// A manifest as lists and results tell of it. Serialises as the JSON that commands print; fields may be added.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescriptorSummary {
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// The platform that it is for, as whoever lists it states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its annotations, as far as whoever lists it repeats them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl From<&Descriptor> for DescriptorSummary {
    fn from(descriptor: &Descriptor) -> Self {
        let platform = descriptor.platform().as_ref();
        let annotations = descriptor.annotations().clone().unwrap_or_default();
        Self {
            digest: descriptor.digest().to_string(),
            media_type: descriptor.media_type().to_string(),
            size: descriptor.size(),
            platform: platform.map(|platform| PlatformSpec::from(platform).to_string()),
            artifact_type: descriptor.artifact_type().as_ref().map(ToString::to_string),
            annotations: annotations.into_iter().collect(),
        }
    }
}
