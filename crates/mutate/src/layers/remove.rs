//! Taking layers out.

use std::collections::HashSet;
use std::sync::Arc;

use oci_spec::image::{Digest, History};
use wharf_v1::Image;
use wharf_v1::media_type::MediaTypeExt as _;

use super::rebuilt;
use crate::{Error, MutatedImage, history};

/// The image without the layers at these places, counted from 0, the base's first.
///
/// Their diff_ids go, and their entries in the history; entries of steps that made no layer stay. A
/// history that tells of fewer layers than there are is taken to tell of the first.
///
/// ```
/// use std::sync::Arc;
/// use wharf_mutate::remove_layers;
/// use wharf_v1::{Image as _, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_mutate::Error> {
/// let image = remove_layers(Arc::new(random::image(1, 3, 100)), [1]).await?;
/// assert_eq!(image.layers().await?.len(), 2);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Error::NoSuchLayer`] when there is none at a place, [`Error::History`] when the history tells of more
/// layers than there are, [`Error::Content`] when the image cannot be read.
pub async fn remove_layers(
    base: Arc<dyn Image>,
    places: impl IntoIterator<Item = usize>,
) -> Result<MutatedImage, Error> {
    let places: HashSet<usize> = places.into_iter().collect();
    let layers = base.layers().await?;
    let count = layers.len();
    if let Some(place) = places.iter().copied().filter(|place| *place >= count).min() {
        return Err(Error::NoSuchLayer { place, layers: count });
    }
    let kept = layers.into_iter().enumerate();
    let kept = kept.filter(|(place, _)| !places.contains(place));
    let kept = kept.map(|(_, layer)| layer).collect();
    let history = match history_of(&*base).await? {
        Some(before) => Some(history::without_layers(before, count, |place| {
            places.contains(&place)
        })?),
        None => None,
    };
    rebuilt(base, kept, |config| {
        config.set_history(history);
    })
    .await
}

/// The history of an image that has one.
pub(super) async fn history_of(image: &dyn Image) -> Result<Option<Vec<History>>, Error> {
    if !image.manifest().await?.view()?.config().media_type().is_config() {
        return Ok(None);
    }
    Ok(image.config().await?.view()?.history().clone())
}

/// The image without the layers that have these digests as stored, each in all its places. As
/// [`remove_layers`] otherwise.
///
/// # Errors
/// [`Error::NotFound`] when there is no layer with a digest, and those of [`remove_layers`].
pub async fn remove_layers_by_digest(
    base: Arc<dyn Image>,
    layer_digests: impl IntoIterator<Item = Digest>,
) -> Result<MutatedImage, Error> {
    let manifest = base.manifest().await?;
    let listed = manifest.view()?.layers();
    let mut places = HashSet::new();
    for digest in layer_digests {
        let found = listed.iter().enumerate();
        let found = found
            .filter(|(_, layer)| *layer.digest() == digest)
            .map(|(place, _)| place);
        let before = places.len();
        places.extend(found);
        if places.len() == before && !listed.iter().any(|layer| *layer.digest() == digest) {
            return Err(Error::NotFound { digest });
        }
    }
    remove_layers(base, places).await
}
