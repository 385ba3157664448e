//! Several layers as one.

use std::ops::Range;
use std::sync::Arc;

use oci_spec::image::History;
use wharf_extract::{ExtractOptions, extract, squash};
use wharf_layer::{Compression, LayerBuilder};
use wharf_v1::Image;
use wharf_v1::media_type::MediaTypeExt as _;

use super::remove::history_of;
use super::{codec_of, rebuilt, remove_layers, successor, with_each_path_once};
use crate::{Error, MutatedImage, history};

/// The image with one layer in the place of those at these places, counted from 0, the base's first.
///
/// The layer does to the layers below it what all of them did: it removes from those what they removed.
/// It has the compression and the media type of the topmost of them, and its annotations. In the history
/// all steps stay; of those that made the layers, the last made the new one and the others none.
///
/// The layers are read once, verified and merged as they go by; the new one is written to a temporary
/// file. A range of one layer changes nothing.
///
/// ```
/// use std::sync::Arc;
/// use wharf_mutate::squash_layers;
/// use wharf_v1::{Image as _, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_mutate::Error> {
/// let image = squash_layers(Arc::new(random::image(1, 4, 100)), 1..4).await?;
/// assert_eq!(image.layers().await?.len(), 2);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Error::NoSuchLayer`] when the range is empty or goes beyond the layers, [`Error::NotSquashable`] for
/// content that is no layer or must not be uploaded, [`Error::History`] when the history tells of more
/// layers than there are, [`Error::Layer`] when a layer is damaged or the new one cannot be written, or
/// when no single layer can do the same (see [`squash`]), [`Error::Content`] when the image cannot be read.
pub async fn squash_layers(base: Arc<dyn Image>, places: Range<usize>) -> Result<MutatedImage, Error> {
    let mut layers = base.layers().await?;
    let count = layers.len();
    if places.is_empty() || places.end > count {
        return Err(Error::NoSuchLayer {
            place: places.end.max(places.start),
            layers: count,
        });
    }
    for (place, layer) in layers[places.clone()].iter().enumerate() {
        let media_type = layer.media_type();
        if !media_type.is_layer() || !media_type.is_distributable() {
            return Err(Error::NotSquashable {
                place: places.start + place,
                media_type,
            });
        }
    }
    let told = history_of(&*base).await?;
    let told = told.map(|told| squashed(told, count, &places)).transpose()?;
    if places.len() > 1 {
        let top = &layers[places.end - 1];
        let compression = Compression::of(codec_of(&**top).await?);
        let merged = &layers[places.clone()];
        // Below there may be nothing to remove anything from.
        let lower: Option<Arc<dyn Image>> = match places.start {
            0 => Some(Arc::new(
                remove_layers(Arc::clone(&base), places.end..count).await?,
            )),
            _ => None,
        };
        let build = |options| {
            let content = match &lower {
                Some(lower) => extract(Arc::clone(lower), &options),
                None => squash(merged.to_vec(), &options),
            };
            successor(
                top,
                LayerBuilder::from_stream(content).compression(compression),
                None,
            )
        };
        let (new, _) = with_each_path_once(merged, ExtractOptions::new(), build).await?;
        layers.splice(places, [new]);
    }
    rebuilt(base, layers, |config| {
        if told.is_some() {
            config.set_history(told);
        }
    })
    .await
}

/// The history in which the last step that made one of these layers made all of them.
fn squashed(mut told: Vec<History>, layers: usize, places: &Range<usize>) -> Result<Vec<History>, Error> {
    let entries = history::checked_count(&told, layers)?;
    let last = places.end.min(entries);
    let made = told.iter_mut().filter(|entry| !history::is_empty_layer(entry));
    for (place, entry) in made.enumerate() {
        if places.contains(&place) && place + 1 < last {
            entry.set_empty_layer(Some(true));
        }
    }
    Ok(told)
}
