//! What the entries of a layout need, directly and through what they refer to.

use std::collections::{BTreeSet, HashMap, HashSet};

use oci_spec::image::{Digest, MediaType};
use serde_json::Value;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{DocumentKind, Error as ContentError, IndexManifest};

use crate::Error;
use crate::blobs::Blobs;
use crate::image::DOCUMENT_LIMIT;

/// Largest blob of an unknown type that is looked into, in bytes: what registries take for a manifest.
const UNKNOWN_LIMIT: u64 = 4 * 1024 * 1024;

/// Everything that is reached from an index.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// All digests that something refers to, with the sizes that are given for each.
    pub(crate) needed: HashMap<Digest, BTreeSet<u64>>,
    /// Those that may be missing: what lives elsewhere, by its media type.
    pub(crate) foreign: HashSet<Digest>,
    /// Documents that could not be read, though they are there.
    pub(crate) broken: Vec<(Digest, Error)>,
}

/// Follows an index through its children, their subjects, and everything that those name.
///
/// A child of an unknown type, or a subject, may be a manifest of a kind that we do not know. All that
/// it names in the way of a descriptor counts as needed.
pub(crate) fn reach(blobs: &Blobs, root: &IndexManifest) -> Result<Reach, Error> {
    let mut reach = Reach::default();
    let mut followed = HashSet::new();
    let mut open = references(&parse(root.raw())?);
    while let Some(reference) = open.pop() {
        let Reference {
            digest,
            size,
            media_type,
            role,
        } = reference;
        reach.needed.entry(digest.clone()).or_default().extend(size);
        if !media_type.is_distributable() {
            reach.foreign.insert(digest.clone());
        }
        let is_manifest = media_type.is_image() || media_type.is_index();
        if !(is_manifest || role == Role::Manifest) || !followed.insert(digest.clone()) {
            continue;
        }
        match look_into(blobs, &digest, is_manifest) {
            Ok(Some(document)) => open.extend(references(&document)),
            Ok(None) => {}
            Err(error) => reach.broken.push((digest, error)),
        }
    }
    Ok(reach)
}

/// The document of this digest, if it is there. What only might be a document need not be one.
fn look_into(blobs: &Blobs, digest: &Digest, is_manifest: bool) -> Result<Option<Value>, Error> {
    let Some(size) = blobs.size_now(digest)? else {
        return Ok(None);
    };
    if is_manifest {
        return parse(&blobs.read_now(digest, DOCUMENT_LIMIT)?).map(Some);
    }
    if size > UNKNOWN_LIMIT {
        return Ok(None);
    }
    let bytes = blobs.read_now(digest, UNKNOWN_LIMIT)?;
    Ok(serde_json::from_slice(&bytes).ok())
}

fn parse(raw: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(raw).map_err(|error| {
        Error::Content(ContentError::InvalidDocument {
            kind: DocumentKind::Manifest,
            source: error.into(),
        })
    })
}

/// What a document says of another blob.
#[derive(Debug, PartialEq, Eq)]
struct Reference {
    digest: Digest,
    size: Option<u64>,
    media_type: MediaType,
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A manifest of whatever kind: a child, a subject.
    Manifest,
    /// Content.
    Blob,
}

fn references(document: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    collect(document, Role::Blob, &mut found);
    found
}

/// Every object in `value` that has a digest. As deep as the JSON parser goes.
fn collect(value: &Value, role: Role, found: &mut Vec<Reference>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, role, found)),
        Value::Object(fields) => {
            // `blobSum` is what Docker's first schema calls it.
            let digest = fields.get("digest").or_else(|| fields.get("blobSum"));
            if let Some(digest) = digest.and_then(Value::as_str).and_then(|text| text.parse().ok()) {
                let media_type = fields.get("mediaType").and_then(Value::as_str);
                found.push(Reference {
                    digest,
                    size: fields.get("size").and_then(Value::as_u64),
                    media_type: media_type.unwrap_or_default().into(),
                    role,
                });
            }
            for (key, value) in fields {
                let role = match &**key {
                    "manifests" | "subject" => Role::Manifest,
                    _ => Role::Blob,
                };
                collect(value, role, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, want: &[(&str, Option<u64>, Role)]) {
        let found = references(&serde_json::from_str(json).expect("JSON"));
        let found: Vec<_> = found
            .iter()
            .map(|reference| (reference.digest.digest(), reference.size, reference.role))
            .collect();
        let want: Vec<_> = want
            .iter()
            .map(|(encoded, size, role)| (*encoded, *size, *role))
            .collect();
        assert_eq!(found, want, "{json}");
    }

    #[test]
    fn whatever_has_a_digest_is_referred_to() {
        let a = "aa".repeat(32);
        let b = "bb".repeat(32);
        check("{}", &[]);
        check("[1, null, \"sha256:x\"]", &[]);
        check(r#"{"config":{"digest":"nonsense"}}"#, &[]);
        check(
            &format!(
                r#"{{"config":{{"digest":"sha256:{a}","size":3}},"subject":{{"digest":"sha256:{b}"}}}}"#
            ),
            &[(&a, Some(3), Role::Blob), (&b, None, Role::Manifest)],
        );
        check(
            &format!(
                r#"{{"manifests":[{{"digest":"sha256:{a}","size":-1}}],"x":{{"y":[{{"digest":"sha256:{b}"}}]}}}}"#
            ),
            &[(&a, None, Role::Manifest), (&b, None, Role::Blob)],
        );
        check(
            &format!(r#"{{"fsLayers":[{{"blobSum":"sha256:{a}"}}]}}"#),
            &[(&a, None, Role::Blob)],
        );
        // Unknown algorithms are kept, too.
        check(
            r#"{"layers":[{"digest":"other+b64:YWJj"}]}"#,
            &[("YWJj", None, Role::Blob)],
        );
    }
}
