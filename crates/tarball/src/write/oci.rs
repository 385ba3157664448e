//! An OCI layout that is an archive of docker's as well.

use std::collections::{BTreeMap, HashMap};

use oci_spec::image::{Descriptor, Digest, ImageIndex, MediaType};
use wharf_archive::{Entry, Plan};
use wharf_name::Tag;
use wharf_v1::{IndexManifest, REF_NAME};

use super::parts::Parts;
use crate::Error;
use crate::record::{self, MANIFEST};

/// The annotation by which containerd, and Docker with it, names an image in full.
const IMAGE_NAME: &str = "io.containerd.image.name";

/// What makes it a layout.
const MARKER: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Plans an archive: all blobs by their digests, then the documents that list them.
pub(super) async fn plan(images: Vec<Parts>) -> Result<Plan, Error> {
    let mut blobs = BTreeMap::new();
    let mut records = Vec::with_capacity(images.len());
    let mut listed = Vec::new();
    for image in images {
        for document in [
            (image.manifest.digest(), image.manifest.raw()),
            (image.config.digest(), image.config.raw()),
        ] {
            let name = blob_name(document.0);
            let entry = Entry::bytes(&name, document.1.clone());
            blobs.insert(name, entry);
        }
        let names: Vec<_> = image
            .layers
            .iter()
            .map(|part| blob_name(part.descriptor.digest()))
            .collect();
        for (part, name) in image.layers.iter().zip(&names) {
            blobs.entry(name.clone()).or_insert_with(|| part.entry(name));
        }
        records.push(
            image
                .record(blob_name(image.config.digest()), names, |_| true)
                .await?,
        );
        listed.extend(entries(&image.descriptor, &image.repo_tags));
    }
    let mut index = ImageIndex::default();
    index.set_manifests(listed);
    let index = IndexManifest::from_view(index, MediaType::ImageIndex);
    let documents = [
        Entry::bytes("index.json", index.raw().clone()),
        Entry::bytes(MANIFEST, record::to_json(&records)),
        Entry::bytes("oci-layout", MARKER),
    ];
    Ok(Plan::new(blobs.into_values().chain(documents)))
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.digest())
}

/// One entry for each name, or a single one for an image that has none.
fn entries(descriptor: &Descriptor, repo_tags: &[String]) -> Vec<Descriptor> {
    if repo_tags.is_empty() {
        return vec![descriptor.clone()];
    }
    let named = repo_tags.iter().map(|repo_tag| {
        let mut entry = descriptor.clone();
        let mut annotations: HashMap<String, String> = entry.annotations().clone().unwrap_or_default();
        // A name that is no reference names the entry as it is.
        let (full, short) = match repo_tag.parse::<Tag>() {
            Ok(tag) => (full_name(&tag), tag.tag().to_owned()),
            Err(_) => (repo_tag.clone(), repo_tag.clone()),
        };
        annotations.insert(IMAGE_NAME.to_owned(), full);
        annotations.insert(REF_NAME.to_owned(), short);
        entry.set_annotations(Some(annotations));
        entry
    });
    named.collect()
}

/// The name with registry, repository and tag, as containerd spells it.
fn full_name(tag: &Tag) -> String {
    let name = format!("{}:{}", tag.repository(), tag.tag());
    match name.strip_prefix("index.docker.io/") {
        Some(rest) => format!("docker.io/{rest}"),
        None => name,
    }
}
