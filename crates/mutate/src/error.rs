//! What can go wrong when an image is made from another.

use wharf_v1::oci_spec::image::{Digest, MediaType};

/// What can go wrong when an image or index is made from another.
///
/// Functions that compute later give it wrapped in a [`wharf_v1::Error`], where
/// [`source_ref`](wharf_v1::Error::source_ref) finds it.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The base cannot be read, or an edit does not fit it.
    #[error(transparent)]
    Content(wharf_v1::Error),
    /// A new layer cannot be made of one of the image's.
    #[error("rewriting layer {layer_digest}")]
    Layer {
        /// The digest of the layer that the new one is made of.
        layer_digest: Digest,
        /// What went wrong.
        source: Box<wharf_layer::Error>,
    },
    /// An image's layers cannot be merged into one.
    #[error("flattening {image}")]
    Flatten {
        /// The digest of the image.
        image: Digest,
        /// What went wrong. Beneath it is an error of `wharf-extract` when it is about a layer.
        source: Box<wharf_layer::Error>,
    },
    /// A media type has no counterpart in the family that was asked for.
    #[error("media type {media_type} has no counterpart in {family}")]
    NoCounterpart {
        /// The media type.
        media_type: MediaType,
        /// The family, as people write it.
        family: &'static str,
    },
    /// The image does not consist of the old base and more: it has fewer layers.
    #[error("image {image} is not based on {base} (too few layers)")]
    TooFewLayers {
        /// The digest of the image that should get another base.
        image: Digest,
        /// The digest of its alleged base.
        base: Digest,
    },
    /// The image does not consist of the old base and more: a layer is another.
    #[error("image {image} is not based on {base} (layer {layer} mismatch)")]
    LayerMismatch {
        /// The digest of the image that should get another base.
        image: Digest,
        /// The digest of its alleged base.
        base: Digest,
        /// The first layer that differs, counted from 0.
        layer: usize,
    },
    /// The history of an image tells of more layers than there are.
    #[error(
        "malformed image: config history references at least {entries} non-empty layer(s), but only {layers} layer(s) are present"
    )]
    History {
        /// Entries that made a layer.
        entries: usize,
        /// Layers in the manifest.
        layers: usize,
    },
    /// The image or index has no layer or child with this digest.
    #[error("{digest} not found")]
    NotFound {
        /// The digest that was asked for.
        digest: Digest,
    },
    /// The image has no layer at this place.
    #[error("no layer {place}: the image has {layers}")]
    NoSuchLayer {
        /// The place asked for, counted from 0.
        place: usize,
        /// Layers in the image.
        layers: usize,
    },
    /// What is to be squashed is no layer, or one that must not be uploaded.
    #[error("layer {place} of media type {media_type} cannot be squashed")]
    NotSquashable {
        /// The layer's place, counted from 0.
        place: usize,
        /// Its media type.
        media_type: MediaType,
    },
    /// A document that should be annotated is no JSON object, or has a field of another kind.
    #[error("editing document")]
    Document {
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Indexes are nested deeper than is followed.
    #[error("indexes are nested deeper than {limit} levels")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
    },
    /// A time cannot be written: it is before 1970, or after the year 9999.
    #[error("time out of range")]
    Time {
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<wharf_v1::Error> for Error {
    /// Gives back the [`Error`](enum@Error) that `error` was made from, if it was.
    fn from(error: wharf_v1::Error) -> Self {
        match error {
            wharf_v1::Error::Source(source) => match source.downcast::<Self>() {
                Ok(own) => *own,
                Err(source) => Self::Content(wharf_v1::Error::Source(source)),
            },
            error => Self::Content(error),
        }
    }
}

impl From<Error> for wharf_v1::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Content(error) => error,
            error => Self::source(error),
        }
    }
}
