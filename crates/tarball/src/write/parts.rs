//! What one image contributes to an archive, whatever its format.

use std::collections::BTreeMap;
use std::sync::Arc;

use oci_spec::image::Descriptor;
use serde::Deserialize;
use serde_json::value::RawValue;
use wharf_archive::{Entry, Form};
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Config, Error as ContentError, Layer, Manifest};

use crate::record::Record;
use crate::{Error, TaggedImage};

/// An image's documents and layers.
pub(super) struct Parts {
    pub(super) repo_tags: Vec<String>,
    /// What an index says of the image: platform, annotations.
    pub(super) descriptor: Descriptor,
    pub(super) manifest: Manifest,
    pub(super) config: Config,
    pub(super) layers: Vec<Part>,
}

/// One layer of an image.
pub(super) struct Part {
    pub(super) layer: Arc<dyn Layer>,
    pub(super) descriptor: Descriptor,
    /// The descriptor as the manifest has it.
    raw: Box<RawValue>,
}

impl Parts {
    pub(super) async fn of(tagged: &TaggedImage) -> Result<Self, Error> {
        let image = &tagged.image;
        let manifest = image.manifest().await?;
        let layers = image.layers().await?;
        let descriptors = manifest.view()?.layers();
        if layers.len() != descriptors.len() {
            return Err(ContentError::LayerCount {
                layers: layers.len(),
                diff_ids: descriptors.len(),
            }
            .into());
        }
        let raw = raw_layers(manifest.raw())?;
        let layers = layers.into_iter().zip(descriptors).zip(raw);
        let layers = layers.map(|((layer, descriptor), raw)| Part {
            layer,
            descriptor: descriptor.clone(),
            raw,
        });
        Ok(Self {
            repo_tags: tagged.repo_tags.clone(),
            descriptor: image.descriptor().await?,
            config: image.config().await?,
            layers: layers.collect(),
            manifest,
        })
    }

    pub(super) fn sort_key(&self) -> (String, &str) {
        (self.repo_tags.join(","), self.config.digest().as_ref())
    }

    /// The record of `manifest.json`, for a config and layers of these names. The sources are those of
    /// the layers that are chosen.
    pub(super) async fn record(
        &self,
        config: String,
        layers: Vec<String>,
        has_source: fn(&Part) -> bool,
    ) -> Result<Record, Error> {
        let mut layer_sources = BTreeMap::new();
        for part in self.layers.iter().filter(|part| has_source(part)) {
            layer_sources.insert(part.layer.diff_id().await?.to_string(), part.raw.clone());
        }
        Ok(Record {
            config,
            repo_tags: Some(self.repo_tags.clone()).filter(|tags| !tags.is_empty()),
            layers,
            layer_sources,
        })
    }
}

impl Part {
    /// Whether the layer lives elsewhere.
    pub(super) fn is_foreign(&self) -> bool {
        !self.descriptor.media_type().is_distributable()
    }

    /// A file of the layer's bytes as they are stored.
    pub(super) fn entry(&self, name: &str) -> Entry {
        let (digest, size) = (self.descriptor.digest().clone(), self.descriptor.size());
        Entry::layer(name, Arc::clone(&self.layer), Form::Stored, digest, size)
    }
}

/// The descriptors of a manifest's layers, as they are written there.
fn raw_layers(manifest: &[u8]) -> Result<Vec<Box<RawValue>>, Error> {
    #[derive(Deserialize)]
    struct Layers {
        layers: Option<Vec<Box<RawValue>>>,
    }
    let parsed: Layers = serde_json::from_slice(manifest).map_err(|error| ContentError::InvalidDocument {
        kind: wharf_v1::DocumentKind::Manifest,
        source: error.into(),
    })?;
    Ok(parsed.layers.unwrap_or_default())
}
