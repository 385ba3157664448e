//! Checks of indexes.

use futures_core::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use oci_spec::image::Descriptor;

use super::context::Context;
use super::document::{self, Said};
use super::report::{Check, Notes, Step};
use super::{descriptor, image, layer, platform};
use crate::media_type::MediaTypeExt as _;
use crate::{Child, Error, Index};

/// Checks an index, which is the `depth`th one inside of another.
pub(super) fn check<'a>(
    context: &'a Context,
    index: &'a dyn Index,
    depth: usize,
    notes: &'a mut Notes,
) -> BoxFuture<'a, ()> {
    Box::pin(async move {
        let mut at_manifest = notes.at(Step::Manifest);
        let manifest = at_manifest.take(Check::Readable, index.manifest().await);
        let view = manifest
            .as_ref()
            .and_then(|manifest| at_manifest.take(Check::Document, manifest.view()));
        let (Some(manifest), Some(view)) = (&manifest, view) else {
            return notes.append(at_manifest);
        };
        let said = Said {
            media_type: index.media_type(),
            descriptor: index.descriptor().await,
            own_media_type: view.media_type().as_ref(),
            schema_version: view.schema_version(),
        };
        document::check(manifest, said, &mut at_manifest);
        notes.append(at_manifest);
        let listed = view.manifests();
        let allowed = context.take_children(listed.len());
        if allowed < listed.len() {
            let limit = context.options.max_children;
            notes.wrong(Check::Limit, format_args!("more than {limit} children"));
        }
        let checks: Vec<_> = listed[..allowed]
            .iter()
            .enumerate()
            .map(|(at, listed)| {
                let digest = listed.digest().clone();
                let mut notes = notes.at(Step::Child { at, digest });
                async move {
                    check_child(context, index, listed, depth, &mut notes).await;
                    notes
                }
            })
            .collect();
        let done: Vec<Notes> = stream::iter(checks)
            .buffered(context.options.concurrency.max(1))
            .collect()
            .await;
        for child in done {
            notes.append(child);
        }
    })
}

async fn check_child(
    context: &Context,
    index: &dyn Index,
    listed: &Descriptor,
    depth: usize,
    notes: &mut Notes,
) {
    descriptor::data(listed, notes);
    let Some(child) = notes.take(Check::Readable, index.child(listed).await) else {
        return;
    };
    match child {
        Child::Image(image) => {
            is_listed(listed, image.descriptor().await, notes);
            let config = image::check(context, &*image, notes).await;
            let config = config.as_ref().filter(|config| config.media_type().is_config());
            if let Some(platform) = listed.platform()
                && let Some(view) = config.and_then(|config| config.view().ok())
            {
                platform::agree(platform, view, notes);
            }
        }
        Child::Index(nested) => {
            is_listed(listed, nested.descriptor().await, notes);
            if depth < context.options.max_depth {
                check(context, &*nested, depth + 1, notes).await;
            } else {
                notes.wrong(Check::Limit, format_args!("nested more than {depth} deep"));
            }
        }
        Child::Blob(blob) => {
            let promise = layer::Promise {
                listed,
                diff_id: None,
                is_image: false,
            };
            layer::check(context, &*blob, Some(promise), notes).await;
        }
    }
    if !listed.media_type().is_distributable() {
        notes.excuse();
    }
}

/// A child is the one that is listed.
fn is_listed(listed: &Descriptor, own: Result<Descriptor, Error>, notes: &mut Notes) {
    if let Some(own) = notes.take(Check::Readable, own) {
        descriptor::agree(listed, &own, notes);
    }
}
