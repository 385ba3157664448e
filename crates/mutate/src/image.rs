//! An image that was made from another.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, ImageConfiguration, MediaType};
use tokio::sync::OnceCell;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Config, DocumentKind, Error, Image, Layer, Manifest};

use crate::annotations::merged;
use crate::append::Added;

/// An image that was made from another by a function of this crate.
///
/// Its descriptor has the platform that the base's has, unless the config was edited, which may change
/// it. What else an index said of the base, like the name it had there, does not hold for the new image.
#[derive(Debug)]
pub struct MutatedImage {
    base: Arc<dyn Image>,
    change: Change,
    /// Only what was computed without an error is kept: a layer may be read later.
    documents: OnceCell<Documents>,
}

/// What is other than in the base.
pub(crate) enum Change {
    Append(Vec<Added>),
    Config(Box<dyn Fn(&mut ImageConfiguration) + Send + Sync>),
    Annotations(BTreeMap<String, String>),
}

#[derive(Debug)]
struct Documents {
    manifest: Manifest,
    /// `None` when it is the base's, which then need not be read.
    config: Option<Config>,
}

impl MutatedImage {
    pub(crate) fn new(base: Arc<dyn Image>, change: Change) -> Self {
        Self {
            base,
            change,
            documents: OnceCell::new(),
        }
    }

    async fn documents(&self) -> Result<&Documents, Error> {
        self.documents.get_or_try_init(|| self.compute()).await
    }

    async fn compute(&self) -> Result<Documents, Error> {
        let manifest = self.base.manifest().await?;
        match &self.change {
            Change::Append(added) => self.append(&manifest, added).await,
            Change::Config(edit) => {
                let got = manifest.view()?.config().media_type();
                if !got.is_config() {
                    return Err(Error::UnexpectedMediaType {
                        got: got.clone(),
                        wanted: DocumentKind::Config,
                    });
                }
                with_config(&manifest, &self.base.config().await?.edit(edit)?, Vec::new())
            }
            Change::Annotations(more) => {
                let manifest = manifest.edit(|manifest| {
                    let annotations = merged(manifest.annotations().as_ref(), more);
                    manifest.set_annotations(annotations);
                })?;
                Ok(Documents {
                    manifest,
                    config: None,
                })
            }
        }
    }

    async fn append(&self, manifest: &Manifest, added: &[Added]) -> Result<Documents, Error> {
        let (mut descriptors, mut diff_ids) = (Vec::new(), Vec::new());
        let is_image = manifest.view()?.config().media_type().is_config();
        for layer in added.iter().filter_map(|added| added.layer.as_ref()) {
            descriptors.push(layer.descriptor().await?);
            if is_image {
                diff_ids.push(layer.diff_id().await?.to_string());
            }
        }
        if !is_image {
            let manifest = push_layers(manifest, None, descriptors)?;
            return Ok(Documents {
                manifest,
                config: None,
            });
        }
        let config = self.base.config().await?.edit(|config| {
            let mut rootfs = config.rootfs().clone();
            rootfs.diff_ids_mut().extend(diff_ids);
            config.set_rootfs(rootfs);
            if !added.is_empty() {
                let mut history = config.history().clone().unwrap_or_default();
                history.extend(added.iter().map(|added| added.history.clone()));
                config.set_history(Some(history));
            }
        })?;
        with_config(manifest, &config, descriptors)
    }
}

/// The manifest with more layers and with another config, which must fit them.
fn with_config(manifest: &Manifest, config: &Config, layers: Vec<Descriptor>) -> Result<Documents, Error> {
    let manifest = push_layers(manifest, Some(config), layers)?;
    let (layers, diff_ids) = (
        manifest.view()?.layers().len(),
        config.view()?.rootfs().diff_ids().len(),
    );
    if layers != diff_ids {
        return Err(Error::LayerCount { layers, diff_ids });
    }
    Ok(Documents {
        manifest,
        config: Some(config.clone()),
    })
}

fn push_layers(
    manifest: &Manifest,
    config: Option<&Config>,
    more: Vec<Descriptor>,
) -> Result<Manifest, Error> {
    manifest.edit(|manifest| {
        if let Some(config) = config {
            let mut descriptor = manifest.config().clone();
            descriptor.set_digest(config.digest().clone());
            descriptor.set_size(config.size());
            if descriptor.data().is_some() {
                descriptor.set_data(Some(STANDARD.encode(config.raw())));
            }
            manifest.set_config(descriptor);
        }
        let mut layers = manifest.layers().clone();
        layers.extend(more);
        manifest.set_layers(layers);
    })
}

impl Image for MutatedImage {
    fn media_type(&self) -> MediaType {
        self.base.media_type()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async {
            let mut descriptor = self.documents().await?.manifest.descriptor();
            if !matches!(self.change, Change::Config(_)) {
                descriptor.set_platform(self.base.descriptor().await?.platform().clone());
            }
            Ok(descriptor)
        })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>> {
        Box::pin(async { Ok(self.documents().await?.manifest.clone()) })
    }

    fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
        Box::pin(async {
            match &self.documents().await?.config {
                Some(config) => Ok(config.clone()),
                None => self.base.config().await,
            }
        })
    }

    /// Needs no layer to be read: those that are streamed are handed out before their digests are known.
    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
        Box::pin(async {
            let mut layers = self.base.layers().await?;
            if let Change::Append(added) = &self.change {
                layers.extend(added.iter().filter_map(|added| added.layer.clone()));
            }
            Ok(layers)
        })
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(added) => f.debug_tuple("Append").field(added).finish(),
            Self::Config(_) => f.write_str("Config"),
            Self::Annotations(annotations) => f.debug_tuple("Annotations").field(annotations).finish(),
        }
    }
}
