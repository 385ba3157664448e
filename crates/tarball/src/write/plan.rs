//! What goes into an archive, and where: known before the first layer is opened.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use oci_spec::image::{Descriptor, MediaType};
use serde::Deserialize;
use serde_json::value::RawValue;
use wharf_layer::header::{BLOCK, padding, regular_file};
use wharf_v1::media_type::{
    DOCKER_LAYER, MediaTypeExt as _, OCI_LAYER, OCI_LAYER_ZSTD, OCI_RESTRICTED_LAYER,
    OCI_RESTRICTED_LAYER_ZSTD,
};
use wharf_v1::{Error as ContentError, Layer};

use crate::record::{MANIFEST, Record};
use crate::{Error, TaggedImage};

/// The mode of every entry.
const MODE: u32 = 0o644;

/// Bytes that end an archive.
pub(super) const TRAILER: usize = 2 * BLOCK;

/// All entries of an archive, in order.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) entries: Vec<Entry>,
}

/// One file in the archive.
#[derive(Debug)]
pub(super) struct Entry {
    /// The blocks before the content.
    pub(super) header: Bytes,
    /// Bytes of content, without padding.
    pub(super) size: u64,
    pub(super) content: Content,
}

/// What is in a file.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Bytes(Bytes),
    Layer(Arc<dyn Layer>, Box<Descriptor>),
}

impl Plan {
    /// Plans an archive: for each image its config, then the layers that no image before has, and at
    /// the end `manifest.json`. Images are sorted by their names, so that the same set makes the same
    /// bytes.
    pub(super) async fn new(images: &[TaggedImage]) -> Result<Self, Error> {
        if images.is_empty() {
            return Err(Error::Empty);
        }
        let mut parts = Vec::with_capacity(images.len());
        for image in images {
            parts.push(Parts::of(image).await?);
        }
        parts.sort_by(|a, b| (&a.names, &a.record.config).cmp(&(&b.names, &b.record.config)));
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        let mut records = Vec::with_capacity(parts.len());
        for part in parts {
            let layers = part.record.layers.iter().cloned().zip(part.layers);
            for (name, content) in std::iter::once((part.record.config.clone(), part.config)).chain(layers) {
                if seen.insert(name.clone()) {
                    entries.push(Entry::new(&name, content));
                }
            }
            records.push(part.record);
        }
        let manifest = serde_json::to_vec(&records).expect("strings and lists always serialise");
        entries.push(Entry::new(MANIFEST, Content::Bytes(manifest.into())));
        Ok(Self { entries })
    }

    /// Bytes in the whole archive.
    pub(super) fn size(&self) -> u64 {
        self.entries.iter().map(Entry::space).sum::<u64>() + TRAILER as u64
    }
}

impl Entry {
    fn new(name: &str, content: Content) -> Self {
        let size = match &content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Layer(_, descriptor) => descriptor.size(),
        };
        Self {
            header: regular_file(name, MODE, size).into(),
            size,
            content,
        }
    }

    /// Bytes that the entry takes up.
    pub(super) fn space(&self) -> u64 {
        self.header.len() as u64 + self.size + padding(self.size) as u64
    }
}

/// What one image contributes.
struct Parts {
    names: String,
    record: Record,
    config: Content,
    /// Aligned with the record's layers.
    layers: Vec<Content>,
}

impl Parts {
    async fn of(tagged: &TaggedImage) -> Result<Self, Error> {
        let image = &tagged.image;
        let (manifest, config) = (image.manifest().await?, image.config().await?);
        let view = manifest.view()?;
        let layers = image.layers().await?;
        if layers.len() != view.layers().len() {
            return Err(ContentError::LayerCount {
                layers: layers.len(),
                diff_ids: view.layers().len(),
            }
            .into());
        }
        let mut record = Record {
            config: config.digest().to_string(),
            repo_tags: Some(tagged.repo_tags.clone()).filter(|tags| !tags.is_empty()),
            layers: Vec::with_capacity(layers.len()),
            layer_sources: BTreeMap::new(),
        };
        let mut contents = Vec::with_capacity(layers.len());
        let raw = RawLayers::of(manifest.raw())?;
        for ((layer, descriptor), raw) in layers.into_iter().zip(view.layers()).zip(raw) {
            record.layers.push(layer_name(descriptor));
            if !descriptor.media_type().is_distributable() {
                record
                    .layer_sources
                    .insert(layer.diff_id().await?.to_string(), raw);
            }
            contents.push(Content::Layer(layer, Box::new(descriptor.clone())));
        }
        Ok(Self {
            names: tagged.repo_tags.join(","),
            record,
            config: Content::Bytes(config.raw().clone()),
            layers: contents,
        })
    }
}

/// The descriptors of a manifest's layers, as they are written there.
#[derive(Deserialize)]
struct RawLayers {
    layers: Option<Vec<Box<RawValue>>>,
}

impl RawLayers {
    fn of(manifest: &[u8]) -> Result<Vec<Box<RawValue>>, Error> {
        let parsed: Self =
            serde_json::from_slice(manifest).map_err(|error| ContentError::InvalidDocument {
                kind: wharf_v1::DocumentKind::Manifest,
                source: error.into(),
            })?;
        Ok(parsed.layers.unwrap_or_default())
    }
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
