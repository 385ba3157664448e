//! The format that all engines read.

use std::collections::HashSet;

use oci_spec::image::{Descriptor, MediaType};
use wharf_archive::{Entry, Plan};
use wharf_v1::media_type::{
    DOCKER_LAYER, OCI_LAYER, OCI_LAYER_ZSTD, OCI_RESTRICTED_LAYER, OCI_RESTRICTED_LAYER_ZSTD,
};

use super::parts::{Part, Parts};
use crate::Error;
use crate::record::{self, MANIFEST};

/// Plans an archive: for each image its config, then the layers that no image before has, and at the end
/// `manifest.json`.
pub(super) async fn plan(images: Vec<Parts>) -> Result<Plan, Error> {
    let mut entries = Vec::new();
    let mut seen = HashSet::new();
    let mut records = Vec::with_capacity(images.len());
    for image in images {
        let config = image.config.digest().to_string();
        if seen.insert(config.clone()) {
            entries.push(Entry::bytes(&config, image.config.raw().clone()));
        }
        let names: Vec<_> = image
            .layers
            .iter()
            .map(|part| layer_name(&part.descriptor))
            .collect();
        for (part, name) in image.layers.iter().zip(&names) {
            if seen.insert(name.clone()) {
                entries.push(part.entry(name));
            }
        }
        records.push(image.record(config, names, Part::is_foreign).await?);
    }
    entries.push(Entry::bytes(MANIFEST, record::to_json(&records)));
    Ok(Plan::new(entries))
}

/// The digest's hex and what the media type says of the content. The bytes are the stored ones, whatever
/// that is.
fn layer_name(descriptor: &Descriptor) -> String {
    let extension = match descriptor.media_type() {
        MediaType::ImageLayer | MediaType::ImageLayerNonDistributable => "tar",
        MediaType::ImageLayerZstd | MediaType::ImageLayerNonDistributableZstd => "tar.zst",
        other => match other.as_ref() {
            OCI_LAYER | OCI_RESTRICTED_LAYER | DOCKER_LAYER => "tar",
            OCI_LAYER_ZSTD | OCI_RESTRICTED_LAYER_ZSTD => "tar.zst",
            _ => "tar.gz",
        },
    };
    format!("{}.{extension}", descriptor.digest().digest())
}
