//! An image that was made from another.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest, MediaType, Platform};
use tokio::sync::OnceCell;
use wharf_layer::Family;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Config, DocumentKind, Error, Image, Layer, Manifest};

use crate::append::Added;
use crate::change::Change;
use crate::convert::Counterparts as _;
use crate::layers::Described;
use crate::platform;

/// An image that was made from another by a function of this crate.
///
/// Its descriptor has the platform that the base's has, changed as far as the config was. What else an
/// index said of the base, like the name it had there, does not hold for the new image.
#[derive(Debug)]
pub struct MutatedImage {
    base: Arc<dyn Image>,
    change: Change,
    /// Only what was computed without an error is kept: a layer may be read later.
    documents: OnceCell<Documents>,
}

#[derive(Clone, Debug)]
pub(crate) struct Documents {
    pub(crate) manifest: Manifest,
    /// `None` when it has the base's bytes, which then need not be read.
    pub(crate) config: Option<Config>,
    pub(crate) platform: Option<Platform>,
}

impl MutatedImage {
    pub(crate) fn new(base: Arc<dyn Image>, change: Change) -> Self {
        Self {
            base,
            change,
            documents: OnceCell::new(),
        }
    }

    /// An image whose documents are computed already.
    pub(crate) fn computed(base: Arc<dyn Image>, documents: Documents, layers: Vec<Arc<dyn Layer>>) -> Self {
        Self {
            base,
            change: Change::Layers(layers),
            documents: OnceCell::new_with(Some(documents)),
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
                self.edit(&manifest, edit, |_| {}).await
            }
            Change::OtherConfig(config) => {
                let manifest = manifest.edit(|manifest| set_config(manifest, config))?;
                if config.media_type().is_config() {
                    return with_config(&*self.base, manifest, config.clone()).await;
                }
                let documents = self.only(manifest).await?;
                Ok(Documents {
                    config: Some(config.clone()),
                    ..documents
                })
            }
            Change::Manifest(edit) => self.only(manifest.edit(edit)?).await,
            Change::Family(family) => self.only(convert(&manifest, *family)?).await,
            Change::Layers(_) => unreachable!("its documents are there from the beginning"),
        }
    }

    /// The base with this manifest and what it has of other documents.
    async fn only(&self, manifest: Manifest) -> Result<Documents, Error> {
        Ok(Documents {
            manifest,
            config: None,
            platform: self.base.descriptor().await?.platform().clone(),
        })
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
        let push = |manifest: &mut ImageManifest| manifest.layers_mut().extend(descriptors);
        if !is_image {
            return self.only(manifest.edit(push)?).await;
        }
        let edit = |config: &mut ImageConfiguration| {
            config.rootfs_mut().diff_ids_mut().extend(diff_ids);
            if !added.is_empty() {
                let mut history = config.history().clone().unwrap_or_default();
                history.extend(added.iter().map(|added| added.history.clone()));
                config.set_history(Some(history));
            }
        };
        self.edit(manifest, edit, push).await
    }

    async fn edit(
        &self,
        manifest: &Manifest,
        edit: impl FnOnce(&mut ImageConfiguration),
        edit_manifest: impl FnOnce(&mut ImageManifest),
    ) -> Result<Documents, Error> {
        let config = self.base.config().await?.edit(edit)?;
        let manifest = manifest.edit(|manifest| {
            set_config(manifest, &config);
            edit_manifest(manifest);
        })?;
        with_config(&*self.base, manifest, config).await
    }
}

/// An image's documents, if they fit each other.
pub(crate) async fn with_config(
    base: &dyn Image,
    manifest: Manifest,
    config: Config,
) -> Result<Documents, Error> {
    let (layers, diff_ids) = (
        manifest.view()?.layers().len(),
        config.view()?.rootfs().diff_ids().len(),
    );
    if layers != diff_ids {
        return Err(Error::LayerCount { layers, diff_ids });
    }
    let listed = base.descriptor().await?.platform().clone();
    let before = base.config().await?;
    let platform = if before.media_type().is_config() {
        platform::following(listed.as_ref(), before.view()?, config.view()?)
    } else {
        listed
    };
    Ok(Documents {
        manifest,
        config: Some(config),
        platform,
    })
}

/// Makes the manifest name this config.
pub(crate) fn set_config(manifest: &mut ImageManifest, config: &Config) {
    let mut descriptor = manifest.config().clone();
    descriptor.set_media_type(config.media_type().clone());
    descriptor.set_digest(config.digest().clone());
    descriptor.set_size(config.size());
    if descriptor.data().is_some() {
        descriptor.set_data(Some(STANDARD.encode(config.raw())));
    }
    manifest.set_config(descriptor);
}

/// The manifest with all media types in one family.
fn convert(manifest: &Manifest, family: Family) -> Result<Manifest, crate::Error> {
    let media_type = family.of_manifest(manifest.media_type())?;
    let view = manifest.view()?;
    let config_type = family.of_config(view.config().media_type())?;
    let layer_types = view
        .layers()
        .iter()
        .map(|layer| family.of_layer(layer.media_type()));
    let layer_types = layer_types.collect::<Result<Vec<_>, _>>()?;
    let (is_stated, is_another) = (view.media_type().is_some(), media_type != *manifest.media_type());
    Ok(manifest.edit_in_place(|manifest| {
        let mut config = manifest.config().clone();
        config.set_media_type(config_type);
        manifest.set_config(config);
        for (layer, media_type) in manifest.layers_mut().iter_mut().zip(layer_types) {
            layer.set_media_type(media_type);
        }
        // One that need not be stated is not stated now.
        if is_stated || is_another {
            manifest.set_media_type(Some(media_type));
        }
    })?)
}

impl Image for MutatedImage {
    fn media_type(&self) -> MediaType {
        let media_type = self.base.media_type();
        match self.change {
            Change::Family(family) => family.of_manifest(&media_type).unwrap_or(media_type),
            _ => media_type,
        }
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async {
            let documents = self.documents().await?;
            let mut descriptor = documents.manifest.descriptor();
            descriptor.set_platform(documents.platform.clone());
            Ok(descriptor)
        })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>> {
        Box::pin(async { Ok(self.documents().await?.manifest.clone()) })
    }

    fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
        Box::pin(async {
            let documents = self.documents().await?;
            if let Some(config) = &documents.config {
                return Ok(config.clone());
            }
            let config = self.base.config().await?;
            let media_type = documents.manifest.view()?.config().media_type();
            if config.media_type() == media_type {
                return Ok(config);
            }
            Ok(config.with_media_type(media_type.clone()))
        })
    }

    /// Needs no layer to be read: those that are streamed are handed out before their digests are known.
    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
        Box::pin(async {
            if let Change::Layers(layers) = &self.change {
                return Ok(layers.clone());
            }
            let mut layers = self.base.layers().await?;
            match &self.change {
                Change::Append(added) => layers.extend(added.iter().filter_map(|added| added.layer.clone())),
                Change::Family(family) => {
                    for layer in &mut layers {
                        let media_type = family.of_layer(&layer.media_type())?;
                        if media_type != layer.media_type() {
                            *layer = Described::of_type(Arc::clone(layer), media_type);
                        }
                    }
                }
                _ => {}
            }
            Ok(layers)
        })
    }
}
