//! Images made of a config and layers.

use std::collections::HashMap;
use std::sync::Arc;

use oci_spec::image::{Descriptor, Digest, ImageManifestBuilder, MediaType, SCHEMA_VERSION};

use super::AssembledImage;
use crate::media_type::{Family, MediaTypeExt as _};
use crate::{Config, DocumentKind, Error, Layer, Manifest, empty};

/// Makes an image, or another artifact, of a config and layers: the manifest is written here.
///
/// ```
/// use wharf_v1::media_type::Family;
/// use wharf_v1::oci_spec::image::MediaType;
/// use wharf_v1::partial::{ImageBuilder, StaticLayer};
/// use wharf_v1::{Config, ImageExt as _};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let sbom = StaticLayer::new("{}", MediaType::from("application/spdx+json"));
/// let artifact = ImageBuilder::new(Family::Oci)
///     .config(Config::new("{}", MediaType::EmptyJSON))
///     .artifact_type(MediaType::from("application/vnd.example.sbom"))
///     .layer(sbom)
///     .build()
///     .await?;
/// assert_eq!(artifact.artifact_type().await?.to_string(), "application/vnd.example.sbom");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is made until `build` is awaited"]
pub struct ImageBuilder {
    family: Family,
    config: Config,
    layers: Vec<Arc<dyn Layer>>,
    annotations: HashMap<String, String>,
    subject: Option<Descriptor>,
    artifact_type: Option<MediaType>,
}

impl ImageBuilder {
    /// An image whose manifest is of this family, with the config of an [empty image](empty::image) and no
    /// layers.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            config: empty::config(family.config()),
            layers: Vec::new(),
            annotations: HashMap::new(),
            subject: None,
            artifact_type: None,
        }
    }

    /// Sets the config. Its media type decides whether this is an image or another artifact.
    ///
    /// Where an image's config lists no diff_ids, those of the layers are filled in; where it does, its
    /// bytes stay, and the layers have to fit.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Puts a layer on top.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.layers.push(Arc::new(layer));
        self
    }

    /// Puts layers on top, base first.
    pub fn layers(mut self, layers: impl IntoIterator<Item = Arc<dyn Layer>>) -> Self {
        self.layers.extend(layers);
        self
    }

    /// Annotates the manifest.
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// Makes the manifest refer to another one.
    pub fn subject(mut self, subject: Descriptor) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Says what the artifact is for.
    pub fn artifact_type(mut self, artifact_type: MediaType) -> Self {
        self.artifact_type = Some(artifact_type);
        self
    }

    /// Writes the manifest. Layers are asked for their descriptors and, for an image, for their diff_ids;
    /// those that do not know them yet may be read for that.
    ///
    /// # Errors
    /// [`Error::LayerCount`] or [`Error::InvalidDocument`] when the config lists other diff_ids, or is no
    /// config; [`Error::NotComputed`] when a layer has to be consumed first; what the layers give.
    pub async fn build(self) -> Result<AssembledImage, Error> {
        let mut listed = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            listed.push(layer.descriptor().await?);
        }
        let config = if self.config.media_type().is_config() {
            with_diff_ids(self.config, &self.layers).await?
        } else {
            self.config
        };
        let mut manifest = ImageManifestBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .config(config.descriptor())
            .layers(listed)
            .build()
            .expect("all required fields are set");
        manifest
            .set_annotations((!self.annotations.is_empty()).then_some(self.annotations))
            .set_subject(self.subject)
            .set_artifact_type(self.artifact_type);
        let manifest = Manifest::from_view(manifest, self.family.manifest());
        AssembledImage::new(manifest, config, self.layers)
    }
}

async fn with_diff_ids(config: Config, layers: &[Arc<dyn Layer>]) -> Result<Config, Error> {
    let mut diff_ids = Vec::with_capacity(layers.len());
    for layer in layers {
        diff_ids.push(layer.diff_id().await?);
    }
    let listed = config.view()?.rootfs().diff_ids();
    if listed.is_empty() {
        let texts = diff_ids.iter().map(Digest::to_string).collect();
        return config.edit(|config| {
            config.rootfs_mut().set_diff_ids(texts);
        });
    }
    if listed.len() != diff_ids.len() {
        return Err(Error::LayerCount {
            layers: diff_ids.len(),
            diff_ids: listed.len(),
        });
    }
    let pairs = listed.iter().zip(diff_ids).enumerate();
    match pairs
        .into_iter()
        .find(|(_, (listed, layer))| **listed != layer.as_ref())
    {
        None => Ok(config),
        Some((at, (listed, layer))) => Err(Error::InvalidDocument {
            kind: DocumentKind::Config,
            source: WrongDiffId {
                at,
                listed: listed.clone(),
                layer,
            }
            .into(),
        }),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("its diff_id {at} is {listed}, and that of the layer is {layer}")]
struct WrongDiffId {
    at: usize,
    listed: String,
    layer: Digest,
}
