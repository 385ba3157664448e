//! What a manifest links to.

use std::collections::BTreeMap;

use oci_spec::image::Digest;
use serde::Deserialize;

use crate::name::supported;
use crate::store::Referrer;

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// A manifest that may be stored, and as what.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) media_type: String,
    pub(crate) links: Links,
}

/// What a manifest links to. Nothing, for media types that are not known here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// Config and layers that must be there.
    pub(crate) blobs: Vec<Digest>,
    /// Children of an index.
    pub(crate) children: Vec<Digest>,
    pub(crate) subject: Option<Digest>,
    artifact_type: Option<String>,
    annotations: BTreeMap<String, String>,
}

/// Why a manifest cannot be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("not a manifest of type {media_type}: {reason}")]
    Malformed { media_type: String, reason: String },
    #[error("sent as {claimed}, but its mediaType is {inside}")]
    MediaType { claimed: String, inside: String },
    #[error("both an index and an image manifest")]
    Ambiguous,
}

/// Judges a manifest that was sent with the media type `claimed`, or without one. Documents of the
/// known types must parse, and be what they are sent as: clients act on the media type, and one that
/// is wrong can make two of them see different images in the same bytes. Other documents are opaque.
pub(crate) fn judge(claimed: Option<&str>, raw: &[u8]) -> Result<Judged, Fault> {
    let Some(media_type) = claimed.map(ToOwned::to_owned).or_else(|| detect(raw)) else {
        return Ok(Judged {
            media_type: "application/octet-stream".to_owned(),
            links: Links::default(),
        });
    };
    if ![
        OCI_MANIFEST,
        OCI_INDEX,
        OCI_ARTIFACT,
        DOCKER_MANIFEST,
        DOCKER_LIST,
    ]
    .contains(&&*media_type)
    {
        return Ok(Judged {
            media_type,
            links: Links::default(),
        });
    }
    let document: Document = serde_json::from_slice(raw).map_err(|error| Fault::Malformed {
        media_type: media_type.clone(),
        reason: error.to_string(),
    })?;
    if let Some(inside) = document
        .media_type
        .as_ref()
        .filter(|inside| **inside != media_type)
    {
        return Err(Fault::MediaType {
            claimed: media_type,
            inside: inside.clone(),
        });
    }
    if document.manifests.is_some() && (document.config.is_some() || document.layers.is_some()) {
        return Err(Fault::Ambiguous);
    }
    Ok(Judged {
        media_type,
        links: document.links(),
    })
}

impl Links {
    /// How the manifest shows up in the list of its subject's referrers.
    pub(crate) fn referrer(&self, media_type: &str, digest: Digest, size: u64) -> Referrer {
        let mut referrer = Referrer::new(media_type, digest, size).with_annotations(self.annotations.clone());
        referrer.artifact_type.clone_from(&self.artifact_type);
        referrer
    }
}

/// The media type of a manifest that was sent without one.
fn detect(raw: &[u8]) -> Option<String> {
    let document: Document = serde_json::from_slice(raw).ok()?;
    let guess = if document.manifests.is_some() {
        OCI_INDEX
    } else {
        OCI_MANIFEST
    };
    Some(document.media_type.unwrap_or_else(|| guess.to_owned()))
}

/// The fields of all kinds of manifests that matter here; `null` is like absent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Link>,
    layers: Option<Vec<Link>>,
    manifests: Option<Vec<Link>>,
    blobs: Option<Vec<Link>>,
    subject: Option<Link>,
    annotations: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    media_type: Option<String>,
    digest: Digest,
    urls: Option<Vec<String>>,
}

impl Document {
    fn links(self) -> Links {
        let config_type = self.config.as_ref().and_then(|config| config.media_type.clone());
        let non_empty = |text: &String| !text.is_empty();
        let layers = self
            .layers
            .into_iter()
            .chain(self.blobs)
            .flatten()
            .filter(Link::is_distributable);
        let annotations = self.annotations.unwrap_or_default().into_iter();
        Links {
            blobs: self
                .config
                .into_iter()
                .chain(layers)
                .map(|link| link.digest)
                .collect(),
            children: self
                .manifests
                .into_iter()
                .flatten()
                .map(|link| link.digest)
                .collect(),
            // A subject that can never be here has no list of referrers to be in.
            subject: self
                .subject
                .map(|subject| subject.digest)
                .filter(|digest| supported(digest.algorithm()).is_ok()),
            artifact_type: self
                .artifact_type
                .filter(non_empty)
                .or(config_type)
                .filter(non_empty),
            annotations: annotations
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
        }
    }
}

impl Link {
    /// Whether the registry should have it. Layers that are not distributable, or can be had elsewhere,
    /// are not pushed.
    fn is_distributable(&self) -> bool {
        let media_type = self.media_type.as_deref().unwrap_or_default();
        let foreign = media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
            || media_type.starts_with("application/vnd.docker.image.rootfs.foreign.");
        !foreign && self.urls.as_ref().is_none_or(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

    #[track_caller]
    fn links(media_type: &str, json: &str) -> Links {
        judge(Some(media_type), json.replace("$D", D).as_bytes())
            .expect("a manifest")
            .links
    }

    #[test]
    fn config_and_layers_must_exist_but_not_foreign_ones() {
        let json = r#"{"config":{"digest":"$D"},"layers":[{"digest":"$D"},{"digest":"$D","urls":["https://a"]},
            {"digest":"$D","mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"},
            {"digest":"$D","mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}]}"#;
        assert_eq!(links(OCI_MANIFEST, json).blobs.len(), 2);
        assert_eq!(links(DOCKER_MANIFEST, r#"{"layers":null}"#), Links::default());
    }

    #[test]
    fn artifact_type_falls_back_to_the_configs() {
        let with = |field: &str| {
            let json = format!(
                r#"{{{field}"config":{{"mediaType":"c","digest":"$D"}},"subject":{{"digest":"$D"}}}}"#
            );
            links(OCI_MANIFEST, &json).artifact_type
        };
        assert_eq!(with(r#""artifactType":"a","#).as_deref(), Some("a"));
        assert_eq!(with(r#""artifactType":"","#).as_deref(), Some("c"));
        assert_eq!(with("").as_deref(), Some("c"));
        assert_eq!(links(OCI_INDEX, r#"{"manifests":[]}"#).artifact_type, None);
    }

    #[test]
    fn a_subject_of_another_algorithm_is_none() {
        let subject = |digest: &str| {
            let json = format!(r#"{{"subject":{{"digest":"{digest}"}}}}"#);
            links(OCI_MANIFEST, &json)
                .subject
                .map(|digest| digest.to_string())
        };
        assert_eq!(subject(D).as_deref(), Some(D));
        assert_eq!(subject("blake3:00"), None);
    }

    #[test]
    fn a_document_is_what_it_is_sent_as() {
        let index = format!(r#"{{"mediaType":"{OCI_INDEX}","manifests":[]}}"#);
        assert!(judge(Some(OCI_MANIFEST), index.as_bytes()).is_err());
        assert!(judge(Some(OCI_MANIFEST), br#"{"layers":[],"manifests":[]}"#).is_err());
        assert!(judge(Some(OCI_INDEX), b"foo").is_err());
        assert_eq!(
            judge(None, index.as_bytes()).expect("an index").media_type,
            OCI_INDEX
        );
        assert_eq!(
            judge(None, br#"{"manifests":[]}"#).expect("an index").media_type,
            OCI_INDEX
        );
        assert_eq!(
            judge(None, b"foo").expect("opaque").media_type,
            "application/octet-stream"
        );
        assert_eq!(
            judge(Some("text/plain"), b"foo").expect("opaque").links,
            Links::default()
        );
    }
}
