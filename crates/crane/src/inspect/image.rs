//! What an image is.

use std::collections::BTreeMap;

use serde::Serialize;
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::oci_spec::image::{
    ANNOTATION_BASE_IMAGE_DIGEST, ANNOTATION_BASE_IMAGE_NAME, Descriptor, ImageConfiguration, ImageManifest,
};
use wharf::v1::{Image, Manifest, PlatformSpec};

use crate::Error;

/// An image or artifact: what its manifest and config say.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageSummary {
    /// The digest of the manifest.
    pub digest: String,
    /// The digest of the config.
    pub config_digest: String,
    /// The media type of the config.
    pub config_media_type: String,
    /// Bytes of manifest, config and layers as stored, each blob counted once.
    pub total_size: u64,
    /// The platform that the config states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// When it was made, as the config states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The name of the image that it was made from, if the manifest says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_name: Option<String>,
    /// The digest of the image that it was made from, if the manifest says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_digest: Option<String>,
    /// The program that is run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Its arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    /// Its environment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Who it runs as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// The ports that it listens on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exposed_ports: Vec<String>,
    /// The directories that outlive it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Layers, base first.
    pub layers: Vec<LayerSummary>,
}

/// A layer as the manifest lists it.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerSummary {
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes as stored.
    pub size: u64,
    /// What made it, as the config's history says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// The name of the file that it is, if it is one of an artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl ImageSummary {
    /// Reads manifest and config.
    pub(super) async fn of(image: &dyn Image) -> Result<Self, Error> {
        let manifest = image.manifest().await?;
        let view = manifest.view()?;
        let annotation = |key| view.annotations().as_ref()?.get(key).cloned();
        let mut summary = Self {
            digest: manifest.digest().to_string(),
            config_digest: view.config().digest().to_string(),
            config_media_type: view.config().media_type().to_string(),
            total_size: total_size(&manifest)?,
            base_name: annotation(ANNOTATION_BASE_IMAGE_NAME),
            base_digest: annotation(ANNOTATION_BASE_IMAGE_DIGEST),
            layers: layers(view),
            ..Self::default()
        };
        if view.config().media_type().is_config() {
            let config = image.config().await?;
            summary.add(config.view()?);
        }
        Ok(summary)
    }

    fn add(&mut self, config: &ImageConfiguration) {
        self.platform = PlatformSpec::of_config(config).map(|platform| platform.to_string());
        self.created = config.created().clone();
        self.author = config.author().clone().filter(|author| !author.is_empty());
        if let Some(run) = config.config() {
            let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
            let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
            self.entrypoint = list(run.entrypoint());
            self.cmd = list(run.cmd());
            self.env = list(run.env());
            self.user = text(run.user());
            self.working_dir = text(run.working_dir());
            self.exposed_ports = list(run.exposed_ports());
            self.exposed_ports.sort_unstable();
            self.volumes = list(run.volumes());
            self.volumes.sort_unstable();
            self.labels = run.labels().clone().unwrap_or_default().into_iter().collect();
        }
        let history = config.history().iter().flatten();
        let made = history.filter(|step| !step.empty_layer().unwrap_or(false));
        for (layer, step) in self.layers.iter_mut().zip(made) {
            layer.created_by = step.created_by().clone().filter(|text| !text.is_empty());
        }
    }
}

fn layers(manifest: &ImageManifest) -> Vec<LayerSummary> {
    let summary = |layer: &Descriptor| LayerSummary {
        digest: layer.digest().to_string(),
        media_type: layer.media_type().to_string(),
        size: layer.size(),
        created_by: None,
        title: crate::referrers::title(layer).map(str::to_owned),
    };
    manifest.layers().iter().map(summary).collect()
}

/// Bytes of a manifest and of all that it lists, each blob once.
pub(super) fn total_size(manifest: &Manifest) -> Result<u64, Error> {
    let view = manifest.view()?;
    let mut blobs: BTreeMap<&str, u64> = BTreeMap::new();
    for blob in std::iter::once(view.config()).chain(view.layers()) {
        blobs.insert(blob.digest().as_ref(), blob.size());
    }
    let blobs = blobs.values().fold(0u64, |sum, size| sum.saturating_add(*size));
    Ok(blobs.saturating_add(manifest.size()))
}
