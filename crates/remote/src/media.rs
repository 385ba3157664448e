//! Telling what a manifest is: the types we offer, and the type of what came.

use http::{HeaderMap, header};
use oci_spec::image::MediaType;
use serde::Deserialize;
use serde::de::IgnoredAny;
use wharf_v1::media_type::{DOCKER_SCHEMA1, MediaTypeExt as _, without_parameters};

use crate::error::Violation;

/// Offered by every request for a manifest, in this order.
///
/// One header, comma-joined without blanks. Artifactory answers 406 to wider lists, and registries that miss an OCI
/// type in it answer that the manifest is unknown.
pub(crate) const ACCEPT_MANIFESTS: &str = "application/vnd.docker.distribution.manifest.v1+json,\
application/vnd.docker.distribution.manifest.v1+prettyjws,\
application/vnd.docker.distribution.manifest.v2+json,\
application/vnd.oci.image.manifest.v1+json,\
application/vnd.docker.distribution.manifest.list.v2+json,\
application/vnd.oci.image.index.v1+json";

/// The media type in `Content-Type`, without parameters; `None` where there is no readable one.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<MediaType> {
    let media_type = without_parameters(headers.get(header::CONTENT_TYPE)?.to_str().ok()?);
    media_type.as_ref().contains('/').then_some(media_type)
}

/// The type of a manifest that came with `header` as its content type.
///
/// The header decides. Where it says nothing of use (missing, or a generic type, as static file servers send) the
/// body's own `mediaType` does, or else its shape.
///
/// # Errors
/// [`Violation::MediaType`] when header and body name different types, [`Violation::Ambiguous`] when the body is both
/// image and index, [`Violation::NotManifest`] when it is not JSON although it should be an image or index.
pub(crate) fn manifest_type(header: Option<MediaType>, body: &[u8]) -> Result<MediaType, Violation> {
    let header = header.filter(|media_type| !is_generic(media_type));
    if let Some(found) = header
        .as_ref()
        .filter(|found| !found.is_image() && !found.is_index())
    {
        return Ok(found.clone());
    }
    let shape: Shape = serde_json::from_slice(body).map_err(|source| Violation::NotManifest { source })?;
    if shape.manifests.is_some() && (shape.layers.is_some() || shape.config.is_some()) {
        return Err(Violation::Ambiguous);
    }
    let inner = shape
        .media_type
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(MediaType::from);
    match (header, inner) {
        (Some(header), Some(body)) if header != body => Err(Violation::MediaType { header, body }),
        (Some(found), _) | (None, Some(found)) => Ok(found),
        (None, None) => Ok(shape.guess()),
    }
}

/// Types that servers give to whatever they do not know.
fn is_generic(media_type: &MediaType) -> bool {
    matches!(
        media_type.as_ref(),
        "application/json" | "application/octet-stream" | "binary/octet-stream" | "text/plain"
    )
}

/// The members of a manifest that tell what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    media_type: Option<String>,
    manifests: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
    fs_layers: Option<IgnoredAny>,
}

impl Shape {
    fn guess(&self) -> MediaType {
        if self.manifests.is_some() {
            MediaType::ImageIndex
        } else if self.fs_layers.is_some() {
            DOCKER_SCHEMA1.into()
        } else if self.config.is_some() {
            MediaType::ImageManifest
        } else {
            "application/octet-stream".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use wharf_v1::media_type::{
        DOCKER_MANIFEST_LIST as DOCKER_LIST, DOCKER_SCHEMA1 as SCHEMA1,
        DOCKER_SCHEMA1_SIGNED as SCHEMA1_SIGNED, OCI_INDEX, OCI_MANIFEST as OCI,
    };

    use super::*;

    #[track_caller]
    fn check(header: Option<&str>, body: &str, want: Result<&str, &str>) {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(header::CONTENT_TYPE, value.parse().expect("a header value"));
        }
        let got = manifest_type(content_type(&headers), body.as_bytes());
        match (got, want) {
            (Ok(got), Ok(want)) => assert_eq!(got.as_ref(), want),
            (Err(got), Err(want)) => assert!(got.to_string().contains(want), "{got}"),
            (got, want) => panic!("{got:?} where {want:?} is wanted"),
        }
    }

    #[test]
    fn the_header_decides() {
        check(Some(OCI), r#"{"config":{},"layers":[]}"#, Ok(OCI));
        check(
            Some(OCI),
            &format!(r#"{{"mediaType":"{OCI}","layers":[]}}"#),
            Ok(OCI),
        );
        check(
            Some("Application/VND.oci.image.manifest.v1+JSON; charset=utf-8"),
            "{}",
            Ok(OCI),
        );
        check(Some(DOCKER_LIST), r#"{"manifests":[]}"#, Ok(DOCKER_LIST));
        check(
            Some("application/vnd.unknown+json"),
            "not json",
            Ok("application/vnd.unknown+json"),
        );
        check(Some(SCHEMA1_SIGNED), "junk", Ok(SCHEMA1_SIGNED));
    }

    #[test]
    fn without_a_telling_header_the_body_does() {
        for header in [
            None,
            Some(""),
            Some("text/plain; charset=utf-8"),
            Some("application/json"),
            Some("junk"),
        ] {
            check(
                header,
                &format!(r#"{{"mediaType":"{OCI_INDEX}","manifests":[]}}"#),
                Ok(OCI_INDEX),
            );
            check(header, r#"{"manifests":[]}"#, Ok(OCI_INDEX));
            check(header, r#"{"config":{},"layers":[]}"#, Ok(OCI));
            check(header, r#"{"schemaVersion":1,"fsLayers":[]}"#, Ok(SCHEMA1));
            check(header, "{}", Ok("application/octet-stream"));
            check(header, "<html>", Err("not a manifest"));
        }
    }

    #[test]
    fn contradictions_are_refused() {
        check(
            Some(OCI),
            &format!(r#"{{"mediaType":"{OCI_INDEX}"}}"#),
            Err("contradicts"),
        );
        check(
            Some(OCI_INDEX),
            &format!(r#"{{"mediaType":"{DOCKER_LIST}"}}"#),
            Err("contradicts"),
        );
        check(Some(OCI), r#"{"manifests":[],"layers":[]}"#, Err("ambiguous"));
        check(
            Some(OCI_INDEX),
            r#"{"manifests":[],"config":{}}"#,
            Err("ambiguous"),
        );
        check(None, r#"{"manifests":[],"layers":[]}"#, Err("ambiguous"));
        check(Some(OCI), "<html>", Err("not a manifest"));
    }

    proptest::proptest! {
        #[test]
        fn no_answer_panics(header in "[ -~]{0,40}", body in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, header.parse().expect("printable"));
            let _ = manifest_type(content_type(&headers), &body);
        }
    }
}
