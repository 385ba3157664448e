//! Putting an image on another base.

mod history;

use std::sync::Arc;

use oci_spec::image::{Digest, ImageConfiguration};
use wharf_layer::Family;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{DocumentKind, Image, ImageExt as _, Layer};

use crate::convert::Counterparts as _;
use crate::layers::{Described, rebuilt};
use crate::{Error, MutatedImage, annotate};

/// With what an image says [which base it was built on](https://github.com/opencontainers/image-spec/blob/main/annotations.md).
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
/// With what it says by which name the base was known.
const BASE_NAME: &str = "org.opencontainers.image.base.name";

/// What [`rebase`] does besides exchanging layers.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RebaseOptions {
    base: Option<(String, Digest)>,
}

impl RebaseOptions {
    /// Nothing besides. The annotations that name a base, if there are, stay as they are.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the annotations that name the base: the reference that people use for the new one, and the
    /// digest that this reference has; where it is an index, the index's.
    #[must_use]
    pub fn with_base_annotations(mut self, name: impl Into<String>, digest: Digest) -> Self {
        self.base = Some((name.into(), digest));
        self
    }
}

/// The image on `new_base` instead of `old_base`.
///
/// The first layers of `image` have to be those of `old_base`, by their digests or by what they contain;
/// they give way to those of `new_base`. From there also come operating system, architecture, variant,
/// version and features of the operating system, and the beginning of the history. All else is that of
/// `image`: its own layers, its config, annotations, subject and fields that nobody here knows. Layers of
/// the new base get the media types of the image's family.
///
/// Layers go by their places and are never lost, whatever histories say. An image's own part of its
/// history is what follows the old base's; where one of the histories tells of fewer layers than there
/// are, the result has blank entries for the others.
///
/// ```
/// use std::sync::Arc;
/// use wharf_mutate::{Addendum, RebaseOptions, append_layers, rebase};
/// use wharf_v1::{Image as _, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_mutate::Error> {
/// let (old, new) = (Arc::new(random::image(1, 3, 100)), Arc::new(random::image(2, 2, 100)));
/// let image = append_layers(old.clone(), [Addendum::new(Arc::new(random::layer(3, 100)))]);
/// let image = rebase(Arc::new(image), &old, new, &RebaseOptions::new()).await?;
/// assert_eq!(image.layers().await?.len(), 3);
/// # Ok(()) }
/// ```
///
/// Ancestor in Go: `mutate.Rebase`.
///
/// # Errors
/// [`Error::TooFewLayers`] or [`Error::LayerMismatch`] when the image is not based on `old_base`,
/// [`Error::History`] when a history tells of more layers than there are, [`Error::NoCounterpart`] when a
/// layer of the new base has no media type in the image's family, [`Error::Content`] when one of the
/// three cannot be read or is no image.
pub async fn rebase(
    image: Arc<dyn Image>,
    old_base: &dyn Image,
    new_base: Arc<dyn Image>,
    options: &RebaseOptions,
) -> Result<MutatedImage, Error> {
    let (own, old, new) = (
        Parts::of(&*image).await?,
        Parts::of(old_base).await?,
        Parts::of(&*new_base).await?,
    );
    if old.layers.len() > own.layers.len() {
        return Err(Error::TooFewLayers {
            image: image.digest().await?,
            base: old_base.digest().await?,
        });
    }
    for (layer, (old, own)) in old.layers.iter().zip(&own.layers).enumerate() {
        if !old.is(own) {
            return Err(Error::LayerMismatch {
                image: image.digest().await?,
                base: old_base.digest().await?,
                layer,
            });
        }
    }
    let history = history::joined(
        new.history(),
        history::own_part(own.history(), old.history())?,
        own.layers.len() - old.layers.len(),
    )?;
    let mut layers = new_base.layers().await?;
    let family = Family::of(&image.media_type());
    for layer in &mut layers {
        let media_type = family.of_layer(&layer.media_type())?;
        if media_type != layer.media_type() {
            *layer = Described::of_type(Arc::clone(layer), media_type);
        }
    }
    layers.extend(image.layers().await?.into_iter().skip(old.layers.len()));
    let rebased = rebuilt(image, layers, |config| {
        let from = &new.config;
        config
            .set_os(from.os().clone())
            .set_architecture(from.architecture().clone())
            .set_variant(from.variant().clone())
            .set_os_version(from.os_version().clone())
            .set_os_features(from.os_features().clone());
        if !history.is_empty() || config.history().is_some() {
            config.set_history(Some(history));
        }
    })
    .await?;
    let Some((name, digest)) = &options.base else {
        return Ok(rebased);
    };
    let annotations = [(BASE_NAME, name.clone()), (BASE_DIGEST, digest.to_string())];
    Ok(annotate(Arc::new(rebased), annotations))
}

/// What of an image matters here.
struct Parts {
    layers: Vec<Identity>,
    config: ImageConfiguration,
}

/// Which layer something is.
struct Identity {
    digest: Digest,
    diff_id: Option<String>,
}

impl Parts {
    async fn of(image: &dyn Image) -> Result<Self, Error> {
        let manifest = image.manifest().await?;
        let view = manifest.view()?;
        let config_type = view.config().media_type();
        if !config_type.is_config() {
            return Err(Error::Content(wharf_v1::Error::UnexpectedMediaType {
                got: config_type.clone(),
                wanted: DocumentKind::Config,
            }));
        }
        let config = image.config().await?.view()?.clone();
        let diff_ids = config.rootfs().diff_ids();
        let layers = view.layers().iter().enumerate().map(|(place, layer)| Identity {
            digest: layer.digest().clone(),
            diff_id: diff_ids.get(place).cloned(),
        });
        Ok(Self {
            layers: layers.collect(),
            config,
        })
    }

    fn history(&self) -> history::Told<'_> {
        history::Told {
            entries: self.config.history().as_deref().unwrap_or_default(),
            layers: self.layers.len(),
        }
    }
}

impl Identity {
    /// Whether both are the same layer, maybe stored in different ways.
    fn is(&self, other: &Self) -> bool {
        self.digest == other.digest || (self.diff_id.is_some() && self.diff_id == other.diff_id)
    }
}
