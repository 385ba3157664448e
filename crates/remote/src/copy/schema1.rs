//! Copying manifests of schema 1, which are not interpreted further.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::try_join_all;
use oci_spec::image::{Descriptor, Digest};
use serde::Deserialize;
use wharf_name::Reference;
use wharf_v1::Layer;
use wharf_v1::media_type::{DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED};

use crate::error::{Error, Misuse, Operation};
use crate::read::Fetched;
use crate::write::Destination;

/// Whether it is one of Docker's first manifests.
pub(super) fn is_schema1(fetched: &Fetched) -> bool {
    [DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED].contains(&fetched.media_type().as_ref())
}

/// What is read of a manifest of schema 1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema1 {
    fs_layers: Vec<FsLayer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FsLayer {
    blob_sum: Digest,
}

/// The digests of its layers, each once.
pub(super) fn layers_of(fetched: &Fetched) -> Result<HashSet<Digest>, Error> {
    let manifest: Schema1 = serde_json::from_slice(fetched.raw())
        .map_err(|source| Error::input(Operation::Get, fetched.reference(), Misuse::NotJson { source }))?;
    Ok(manifest
        .fs_layers
        .into_iter()
        .map(|layer| layer.blob_sum)
        .collect())
}

impl Destination {
    /// Writes a manifest of
    /// [schema 1](https://distribution.github.io/distribution/spec/deprecated-schema-v1/), byte for byte, after its
    /// layers. Their sizes are not in it, so each costs one more request.
    pub(super) async fn write_schema1(
        &self,
        reference: &Reference,
        fetched: &Fetched,
    ) -> Result<Descriptor, Error> {
        let source = fetched.reference().repository();
        if source != reference.repository() {
            let layers = layers_of(fetched)?.into_iter().map(|digest| {
                let layer: Arc<dyn Layer> = Arc::new(self.client.layer(&source.digest(digest)));
                self.push_layer(layer)
            });
            try_join_all(layers).await?;
        }
        let descriptor = fetched.descriptor();
        self.check_digest(reference, descriptor)?;
        self.put_manifest(reference, descriptor, fetched.raw().clone())
            .await?;
        Ok(descriptor.clone())
    }
}
