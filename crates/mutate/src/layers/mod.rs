//! Images with other layers.

mod described;
mod merged;
mod recompress;
mod remove;
mod rewrite;
mod squash;

use std::sync::Arc;

use oci_spec::image::{Descriptor, ImageConfiguration};
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Config, Image, Layer};

use crate::image::{Documents, set_config, with_config};
use crate::{Error, MutatedImage};

pub(crate) use described::Described;
pub(crate) use merged::with_each_path_once;
pub use recompress::{recompress, recompress_layers};
pub use remove::{remove_layers, remove_layers_by_digest};
pub(crate) use rewrite::{codec_of, successor};
pub use squash::squash_layers;

/// The image with these layers in the place of its own. If its config is an image's it gets their
/// diff_ids, and what `edit` does to it.
pub(crate) async fn rebuilt(
    base: Arc<dyn Image>,
    layers: Vec<Arc<dyn Layer>>,
    edit: impl FnOnce(&mut ImageConfiguration),
) -> Result<MutatedImage, Error> {
    rebuilt_then(base, layers, edit, Ok).await
}

/// As [`rebuilt`], and then what `finish` does to the config.
///
/// Diff_ids are set together with `edit`, since entries of a history are told by what they say: an edit of
/// its own in between would write defaults into them, by which the next would not know them again.
pub(crate) async fn rebuilt_then(
    base: Arc<dyn Image>,
    layers: Vec<Arc<dyn Layer>>,
    edit: impl FnOnce(&mut ImageConfiguration),
    finish: impl FnOnce(Config) -> Result<Config, Error>,
) -> Result<MutatedImage, Error> {
    let manifest = base.manifest().await?;
    let mut listed: Vec<Descriptor> = Vec::with_capacity(layers.len());
    for layer in &layers {
        listed.push(layer.descriptor().await?);
    }
    let documents = if manifest.view()?.config().media_type().is_config() {
        let mut diff_ids = Vec::with_capacity(layers.len());
        for layer in &layers {
            diff_ids.push(layer.diff_id().await?.to_string());
        }
        let config = base.config().await?.edit(|config| {
            config.rootfs_mut().set_diff_ids(diff_ids);
            edit(config);
        })?;
        let config = finish(config)?;
        let manifest = manifest.edit_in_place(|manifest| {
            manifest.set_layers(listed);
            set_config(manifest, &config);
        })?;
        with_config(&*base, manifest, config).await?
    } else {
        Documents {
            manifest: manifest.edit_in_place(|manifest| {
                manifest.set_layers(listed);
            })?,
            config: None,
            platform: base.descriptor().await?.platform().clone(),
        }
    };
    Ok(MutatedImage::computed(base, documents, layers))
}
