//! What a manifest is told by.

use std::collections::BTreeMap;

use serde::Serialize;
use wharf::remote::{Amount, CopyReport};
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

/// What copies between registries moved. Serialises as the JSON that `crane copy` prints; fields may be added.
///
/// What a manifest that is present consists of was not looked at, and is not counted.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CopySummary {
    /// Manifests and indexes that were written, once for each name.
    pub manifests: AmountSummary,
    /// Blobs that were sent.
    pub moved: AmountSummary,
    /// Blobs that the registry took from another of its repositories.
    pub mounted: AmountSummary,
    /// Blobs and manifests that the destination had.
    pub present: AmountSummary,
    /// Blobs that must not be distributed, and were not.
    pub skipped: AmountSummary,
    /// Requests that were sent to both registries.
    pub requests: u64,
}

/// How many, and their bytes as stored.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AmountSummary {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl CopySummary {
    /// Adds what another copy moved.
    pub fn add(&mut self, other: &Self) {
        for (sum, amount) in [
            (&mut self.manifests, other.manifests),
            (&mut self.moved, other.moved),
            (&mut self.mounted, other.mounted),
            (&mut self.present, other.present),
            (&mut self.skipped, other.skipped),
        ] {
            sum.count += amount.count;
            sum.bytes += amount.bytes;
        }
        self.requests += other.requests;
    }
}

impl From<&CopyReport> for CopySummary {
    fn from(report: &CopyReport) -> Self {
        Self {
            manifests: report.manifests.into(),
            moved: report.moved.into(),
            mounted: report.mounted.into(),
            present: report.present.into(),
            skipped: report.skipped.into(),
            requests: report.requests,
        }
    }
}

impl From<Amount> for AmountSummary {
    fn from(amount: Amount) -> Self {
        Self {
            count: amount.count,
            bytes: amount.bytes,
        }
    }
}
