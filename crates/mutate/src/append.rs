//! Appending layers.

use std::collections::BTreeMap;
use std::sync::Arc;

use oci_spec::image::{History, MediaType};
use wharf_v1::{Image, Layer};

use crate::annotations::collect;
use crate::change::Change;
use crate::layers::Described;
use crate::{MutatedImage, history};

/// What is put on top of an image: a layer with the entry that it gets in the history, or an entry for
/// a step that made no layer.
#[derive(Clone, Debug)]
pub struct Addendum {
    layer: Option<Arc<dyn Layer>>,
    history: History,
    description: Description,
}

/// What the manifest says of a layer instead of what the layer says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Description {
    pub(crate) media_type: Option<MediaType>,
    pub(crate) urls: Vec<String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Addendum {
    /// A layer, with an empty entry in the history.
    #[must_use]
    pub fn new(layer: Arc<dyn Layer>) -> Self {
        Self {
            layer: Some(layer),
            history: history::blank(),
            description: Description::default(),
        }
    }

    /// A step that made no layer: an entry in the history, marked as such.
    #[must_use]
    pub fn without_layer(mut history: History) -> Self {
        history.set_empty_layer(Some(true));
        Self {
            layer: None,
            history,
            description: Description::default(),
        }
    }

    /// Sets the layer's entry in the history. Default: one that says nothing.
    #[must_use]
    pub fn with_history(mut self, mut history: History) -> Self {
        if self.layer.is_none() {
            history.set_empty_layer(Some(true));
        }
        self.history = history;
        self
    }

    /// Sets the media type that the manifest gives the layer. Default: the layer's own.
    #[must_use]
    pub fn with_media_type(mut self, media_type: MediaType) -> Self {
        self.description.media_type = Some(media_type);
        self
    }

    /// Sets from where the layer may be downloaded. Default: what the layer itself says.
    #[must_use]
    pub fn with_urls(mut self, urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.description.urls = urls.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the annotations that the manifest gives the layer. Default: those of the layer itself.
    #[must_use]
    pub fn with_annotations<K, V>(mut self, annotations: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        self.description.annotations = collect(annotations);
        self
    }

    /// The layer as the manifest describes it, and the history entry.
    fn into_parts(self) -> Added {
        let Self {
            layer,
            history,
            description,
        } = self;
        let layer = layer.map(|layer| Described::wrap(layer, description));
        Added { layer, history }
    }
}

/// An addendum that is part of an image.
#[derive(Debug)]
pub(crate) struct Added {
    pub(crate) layer: Option<Arc<dyn Layer>>,
    pub(crate) history: History,
}

/// The image with these on top of it, in order.
///
/// The manifest lists the layers after those of `base`. If the config is an image's, it gets their
/// diff_ids and histories; that of an artifact stays as it is. A layer may be one that is read only
/// once: the image's manifest and config are [`Error::NotComputed`](wharf_v1::Error::NotComputed) until
/// it was, while its [`layers`](Image::layers) are there from the beginning.
///
/// Layers keep their media types; see `wharf_layer::Family` for those that fit the base.
///
/// Ancestors in Go: `mutate.Append`, `mutate.AppendLayers`.
pub fn append_layers(base: Arc<dyn Image>, addenda: impl IntoIterator<Item = Addendum>) -> MutatedImage {
    MutatedImage::new(
        base,
        Change::Append(addenda.into_iter().map(Addendum::into_parts).collect()),
    )
}
