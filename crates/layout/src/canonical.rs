//! A descriptor as JSON: fields and maps in a fixed order, so that equal input gives equal bytes.

use std::collections::BTreeMap;

use oci_spec::image::{Descriptor, Platform};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Canonical<'a> {
    media_type: String,
    size: u64,
    digest: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    urls: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<CanonicalPlatform<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
}

#[derive(Serialize)]
struct CanonicalPlatform<'a> {
    architecture: String,
    os: String,
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    os_version: Option<&'a str>,
    #[serde(rename = "os.features", skip_serializing_if = "<[String]>::is_empty")]
    os_features: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    features: &'a [String],
}

/// The descriptor's JSON, in the field order that the ecosystem's tools write.
pub(crate) fn descriptor(descriptor: &Descriptor) -> String {
    let canonical = Canonical {
        media_type: descriptor.media_type().to_string(),
        size: descriptor.size(),
        digest: descriptor.digest().as_ref(),
        data: descriptor.data().as_deref(),
        urls: descriptor.urls().as_deref().unwrap_or_default(),
        annotations: descriptor
            .annotations()
            .iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect(),
        platform: descriptor.platform().as_ref().map(platform),
        artifact_type: descriptor.artifact_type().as_ref().map(ToString::to_string),
    };
    let json = serde_json::to_string(&canonical).expect("strings and integers always serialise");
    // Outside of strings these do not occur in JSON.
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn platform(platform: &Platform) -> CanonicalPlatform<'_> {
    CanonicalPlatform {
        architecture: platform.architecture().to_string(),
        os: platform.os().to_string(),
        os_version: platform.os_version().as_deref(),
        os_features: platform.os_features().as_deref().unwrap_or_default(),
        variant: platform.variant().as_deref(),
        features: platform.features().as_deref().unwrap_or_default(),
    }
}
