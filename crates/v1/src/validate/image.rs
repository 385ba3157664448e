//! Checks of images and artifacts.

use futures_util::{StreamExt as _, stream};
use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest};

use super::context::Context;
use super::document::{self, Said};
use super::report::{Check, Notes, Step};
use super::{descriptor, layer};
use crate::media_type::MediaTypeExt as _;
use crate::{Config, Image};

/// Checks an image; its config, if that could be read.
pub(super) async fn check(context: &Context, image: &dyn Image, notes: &mut Notes) -> Option<Config> {
    let mut at_manifest = notes.at(Step::Manifest);
    let manifest = at_manifest.take(Check::Readable, image.manifest().await);
    let view = manifest
        .as_ref()
        .and_then(|manifest| at_manifest.take(Check::Document, manifest.view()));
    let (Some(manifest), Some(view)) = (&manifest, view) else {
        notes.append(at_manifest);
        return None;
    };
    let said = Said {
        media_type: image.media_type(),
        descriptor: image.descriptor().await,
        own_media_type: view.media_type().as_ref(),
        schema_version: view.schema_version(),
    };
    document::check(manifest, said, &mut at_manifest);
    notes.append(at_manifest);
    if let Some(subject) = view.subject() {
        let mut at_subject = notes.at(Step::Subject);
        descriptor::data(subject, &mut at_subject);
        notes.append(at_subject);
    }
    let config = check_config(image, view, notes).await;
    let is_image = view.config().media_type().is_config();
    let config_view = config
        .as_ref()
        .filter(|_| is_image)
        .and_then(|config| config.view().ok());
    check_layers(context, image, view, config_view, notes).await;
    config
}

async fn check_config(image: &dyn Image, manifest: &ImageManifest, notes: &mut Notes) -> Option<Config> {
    let mut at_config = notes.at(Step::Config);
    let wanted = manifest.config();
    descriptor::data(wanted, &mut at_config);
    let config = at_config.take(Check::Readable, image.config().await);
    if let Some(config) = &config {
        descriptor::describes(wanted, config.raw(), &mut at_config);
        descriptor::agree(
            &Descriptor::new(
                wanted.media_type().clone(),
                config.size(),
                config.digest().clone(),
            ),
            &config.descriptor(),
            &mut at_config,
        );
        if wanted.media_type().is_config()
            && let Some(view) = at_config.take(Check::Document, config.view())
        {
            check_config_view(view, manifest.layers().len(), &mut at_config);
        }
    }
    notes.append(at_config);
    config
}

fn check_config_view(config: &ImageConfiguration, layers: usize, notes: &mut Notes) {
    if config.rootfs().typ() != "layers" {
        notes.mismatch(Check::RootfsType, "layers", config.rootfs().typ());
    }
    let diff_ids = config.rootfs().diff_ids().len();
    if diff_ids != layers {
        notes.mismatch(
            Check::LayerCount,
            format_args!("{layers} diff ids"),
            format_args!("{diff_ids}"),
        );
    }
    let Some(history) = config.history() else { return };
    let made = history
        .iter()
        .filter(|entry| entry.empty_layer() != Some(true))
        .count();
    if !history.is_empty() && made != layers {
        // Nothing that runs an image looks at its history.
        notes.odd(
            Check::History,
            format_args!("{made} entries that made a layer, and {layers} layers"),
        );
    }
}

async fn check_layers(
    context: &Context,
    image: &dyn Image,
    manifest: &ImageManifest,
    config: Option<&ImageConfiguration>,
    notes: &mut Notes,
) {
    let Some(layers) = notes.take(Check::Readable, image.layers().await) else {
        return;
    };
    let listed = manifest.layers();
    if layers.len() != listed.len() {
        notes.mismatch(Check::LayerCount, listed.len(), layers.len());
    }
    let diff_ids = config.map_or(&[][..], |config| config.rootfs().diff_ids());
    let checks = layers
        .iter()
        .zip(listed)
        .enumerate()
        .map(|(at, (layer, listed))| {
            let mut notes = notes.at(Step::Layer {
                at,
                digest: listed.digest().clone(),
            });
            async move {
                descriptor::data(listed, &mut notes);
                let promise = layer::Promise {
                    listed,
                    diff_id: diff_ids.get(at),
                    is_image: config.is_some(),
                };
                layer::check(context, &**layer, Some(promise), &mut notes).await;
                if !listed.media_type().is_distributable() {
                    // It lives elsewhere, perhaps no more, and need not be here.
                    notes.excuse();
                }
                notes
            }
        });
    let checks: Vec<_> = checks.collect();
    let done: Vec<Notes> = stream::iter(checks)
        .buffered(context.options.concurrency.max(1))
        .collect()
        .await;
    for layer in done {
        notes.append(layer);
    }
}
