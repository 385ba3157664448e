//! Manifests from upstream.

use std::collections::BTreeMap;

use serde::Deserialize;
use wharf_registry::RepositoryName;
use wharf_registry::store::{Error, NewManifest, Referrer};
use wharf_remote::Fetched;

use crate::pull_through::upstream_failed;

/// What a list of referrers has of a manifest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    subject: Option<Subject>,
    artifact_type: Option<String>,
    config: Option<Config>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Subject {
    digest: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    media_type: Option<String>,
}

/// A manifest as it is kept. Of one that cannot be read further nothing is listed.
pub(crate) fn to_keep(fetched: &Fetched) -> NewManifest {
    let descriptor = fetched.descriptor();
    let media_type = descriptor.media_type().to_string();
    let new = NewManifest::new(
        descriptor.digest().clone(),
        media_type.clone(),
        fetched.raw().clone(),
    );
    let Ok(listed) = serde_json::from_slice::<Listed>(fetched.raw()) else {
        return new;
    };
    let subject = listed
        .subject
        .and_then(|subject| wharf_v1::parse_digest(&subject.digest).ok());
    let Some(subject) = subject else {
        return new;
    };
    let mut referrer = Referrer::new(media_type, descriptor.digest().clone(), descriptor.size())
        .with_annotations(listed.annotations.unwrap_or_default());
    let config_type = listed.config.and_then(|config| config.media_type);
    if let Some(kind) = listed.artifact_type.or(config_type) {
        referrer = referrer.with_artifact_type(kind);
    }
    new.with_subject(subject, referrer)
}

/// The store's error for a manifest that the upstream does not give.
pub(crate) fn failed(name: &RepositoryName, identifier: &str, error: wharf_remote::Error) -> Error {
    if error.is_not_found() {
        return Error::ManifestUnknown {
            repository: name.clone(),
            identifier: identifier.to_owned(),
        };
    }
    upstream_failed(error)
}
