//! What can go wrong with an archive.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use oci_spec::image::Digest;
use wharf_v1::Codec;

/// What can go wrong when an archive is read or written.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused: the archive is missing, the disk is full …
    #[error("{action} {}", .path.display())]
    Io {
        /// What was tried, as a verb: `open`, `write`, `rename to` …
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The writer that an archive goes to failed.
    #[error("writing archive")]
    Write {
        /// What it said.
        source: io::Error,
    },
    /// The archive ends in the middle, or is so short that it is none.
    #[error("unexpected EOF")]
    UnexpectedEof,
    /// The file is no tar archive.
    #[error("invalid tar header")]
    NotTar {
        /// Where it stops being one.
        source: io::Error,
    },
    /// The archive as a whole is compressed, and cannot be unpacked.
    #[error("unpacking archive compressed with {codec}")]
    Unpack {
        /// With what it is compressed.
        codec: Codec,
        /// What went wrong: damage, a codec that is not built in, more bytes than the limit.
        source: Box<wharf_v1::Error>,
    },
    /// The archive has more entries than any real one.
    #[error("archive has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
    /// The archive does not have this file.
    #[error("file {name} not found in tar")]
    FileNotFound {
        /// The file's name.
        name: String,
    },
    /// Links in the archive lead in a circle.
    #[error("link cycle detected for {name}")]
    LinkCycle {
        /// The link that was met twice.
        name: String,
    },
    /// A file in the archive is not of a kind that can be read: a directory, a device, a sparse file.
    #[error("{name} in tar is not a regular file")]
    NotRegular {
        /// The file's name.
        name: String,
    },
    /// A document in the archive is larger than anything sensible.
    #[error("{name} exceeds {limit} byte limit")]
    TooLarge {
        /// The file's name.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
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
    /// A layer of an image to write could not be read.
    #[error("reading layer {digest}")]
    ReadLayer {
        /// The layer's digest.
        digest: Digest,
        /// What went wrong.
        source: Box<wharf_v1::Error>,
    },
    /// A layer of the archive could not be prepared.
    #[error("preparing layer {name}")]
    Layer {
        /// The layer's name in the archive.
        name: String,
        /// What went wrong.
        source: wharf_layer::Error,
    },
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
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::FileNotFound { .. } | Self::TagNotFound { .. } => true,
            _ => false,
        }
    }
}

impl From<wharf_archive::Error> for Error {
    fn from(error: wharf_archive::Error) -> Self {
        use wharf_archive::Error as Theirs;
        match error {
            Theirs::Io { action, path, source } => Self::Io { action, path, source },
            Theirs::Write { source } => Self::Write { source },
            Theirs::UnexpectedEof => Self::UnexpectedEof,
            Theirs::NotTar { source } => Self::NotTar { source },
            Theirs::Unpack { codec, source } => Self::Unpack { codec, source },
            Theirs::TooManyEntries { limit } => Self::TooManyEntries { limit },
            Theirs::FileNotFound { name } => Self::FileNotFound { name },
            Theirs::LinkCycle { name } => Self::LinkCycle { name },
            Theirs::NotRegular { name } => Self::NotRegular { name },
            Theirs::TooLarge { name, limit } => Self::TooLarge { name, limit },
            Theirs::ReadLayer { digest, source } => Self::ReadLayer { digest, source },
            Theirs::Content(error) => Self::Content(error),
            other => Self::Content(wharf_v1::Error::source(other)),
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
