//! What can go wrong with an archive.

use std::error::Error as StdError;

use oci_spec::image::Digest;

/// What can go wrong when an archive is read or written.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `manifest.json` does not parse.
    #[error("parsing manifest.json")]
    InvalidManifest {
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// `manifest.json` says nothing.
    #[error("no valid manifest.json in tarball")]
    NoManifest,
    /// The archive has several images, or none, and none was asked for by its tag.
    #[error("tarball must contain only a single image to be used with tarball.Image")]
    NotSingle {
        /// How many images it has.
        images: usize,
    },
    /// No image in the archive has the tag.
    #[error("tag {tag} not found in tarball")]
    TagNotFound {
        /// The tag, as it was asked for.
        tag: String,
    },
    /// An image has another number of layers than its config has diff_ids.
    #[error("{}", layer_count(*.layers, *.diff_ids))]
    LayerCount {
        /// Layers in `manifest.json`.
        layers: usize,
        /// Diff_ids in the config.
        diff_ids: usize,
    },
    /// A layer is not the one that the config means.
    #[error("layer {name} has diff_id {got}, want {want}")]
    DiffId {
        /// The layer's name in the archive.
        name: String,
        /// The diff_id of its content.
        got: Digest,
        /// The diff_id that the config has.
        want: Digest,
    },
    /// An image's config tells the history of another number of layers than it has.
    #[error(
        "image config had layer history which did not match the number of layers, \
         got len(history)={history}, len(layers)={layers}"
    )]
    HistoryCount {
        /// Entries in the history that are not of empty layers.
        history: usize,
        /// Layers of the image.
        layers: usize,
    },
    /// There is nothing to write.
    #[error("set of images is empty")]
    Empty,
    /// A layer of the archive could not be prepared.
    #[error("preparing layer {name}")]
    Layer {
        /// The layer's name in the archive.
        name: String,
        /// What went wrong.
        source: wharf_layer::Error,
    },
    /// The archive could not be read or written as a tar, or a layer for it not be read.
    #[error(transparent)]
    Archive(wharf_archive::Error),
    /// An image to write, or a document of one that is read, is not as it should be.
    #[error(transparent)]
    Content(wharf_v1::Error),
}

fn layer_count(layers: usize, diff_ids: usize) -> String {
    if layers < diff_ids {
        format!(
            "config has {diff_ids} rootfs.diff_ids but tarball manifest only references {layers} layer(s)"
        )
    } else {
        format!("tarball manifest references {layers} layer(s) but config has {diff_ids} rootfs.diff_ids")
    }
}

impl Error {
    /// Whether the archive, a file in it or the image asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Archive(error) => error.is_not_found(),
            Self::TagNotFound { .. } => true,
            _ => false,
        }
    }
}

impl From<wharf_archive::Error> for Error {
    fn from(error: wharf_archive::Error) -> Self {
        match error {
            wharf_archive::Error::Content(error) => Self::Content(error),
            error => Self::Archive(error),
        }
    }
}

impl From<wharf_v1::Error> for Error {
    fn from(error: wharf_v1::Error) -> Self {
        Self::Content(error)
    }
}

/// For the traits of `wharf-v1`: the archive's error is found again with `source_ref`.
impl From<Error> for wharf_v1::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Content(error) => error,
            error => Self::source(error),
        }
    }
}
