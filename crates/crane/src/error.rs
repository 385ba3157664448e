//! Why a job failed.

use std::path::{Path, PathBuf};

use wharf::name::{ParseError, Tag};
use wharf::v1::oci_spec::image::{Digest, MediaType};

use crate::ParsePlaceError;

/// Why a job failed.
///
/// The text of each names what was tried; the causes are its [`source`](std::error::Error::source)s.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A registry could not be asked, or said no.
    #[error(transparent)]
    Remote(#[from] wharf::remote::Error),
    /// Content failed on its way: its source, its verification, its decoding.
    #[error(transparent)]
    Content(#[from] wharf::v1::Error),
    /// The client cannot be set up.
    #[error(transparent)]
    Client(#[from] wharf::transport::Error),
    /// The files with the user's credentials cannot be used.
    #[error("looking up credentials")]
    Credentials(#[from] wharf::authn::Error),
    /// A name is not valid.
    #[error(transparent)]
    Name(#[from] ParseError),
    /// The tag exists at the destination and must not be overwritten.
    #[error("refusing to clobber existing tag {tag}@{existing}")]
    Clobber {
        /// The tag at the destination.
        tag: Box<Tag>,
        /// What it points at.
        existing: Digest,
    },
    /// The file or directory to push cannot be read.
    #[error("loading {} as {kind}", .path.display())]
    Load {
        /// What was opened.
        path: PathBuf,
        /// What it was taken for: `OCI layout` or `tarball`.
        kind: &'static str,
        /// Why it is none.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A layout holds more or fewer than the one image or index that can be pushed as such.
    #[error("layout contains {entries} entries, consider --index")]
    LayoutEntries {
        /// How many it holds.
        entries: usize,
    },
    /// The one thing that a layout holds is neither image nor index.
    #[error("layout contains non-image (mediaType: \"{media_type}\"), consider --index")]
    LayoutNonImage {
        /// What it is.
        media_type: MediaType,
    },
    /// A text names no place.
    #[error(transparent)]
    Place(#[from] ParsePlaceError),
    /// What is there is neither image nor index.
    #[error("{media_type:?} is neither image nor index", media_type = .media_type.to_string())]
    NoImage {
        /// What it is.
        media_type: MediaType,
    },
    /// A layout does not list what was asked for, or not just one thing where none was named.
    #[error("no single entry of the layout is {place}; there are {}: {}", .names.len(), shown(.names))]
    NotListed {
        /// The place.
        place: String,
        /// The names of what it lists, or digests where they have none.
        names: Vec<String>,
    },
    /// There is something at the destination, which must not be overwritten.
    #[error("refusing to overwrite {place}")]
    Exists {
        /// The destination.
        place: String,
    },
    /// More hangs together than is shown.
    #[error("there are more than {nodes} manifests and blobs")]
    TooLarge {
        /// The most that are shown.
        nodes: usize,
    },
    /// A rule of [`sync`](crate::sync()) matches more repositories than anybody has.
    #[error("there are more than {most} repositories that match")]
    TooManyRepositories {
        /// The most that a rule may match.
        most: usize,
    },
    /// The files of an image cannot be read.
    #[error("reading files")]
    Files(#[source] Box<wharf::extract::Error>),
    /// The rules of what to keep the same are no such rules.
    #[error("reading {}", .path.display())]
    SyncRules {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was asked for is done between registries only.
    #[error("{place} is in no registry, and this is for copies from registry to registry")]
    NoRegistry {
        /// The place that is in none.
        place: String,
    },
    /// The archive cannot be added to.
    #[error("{place} cannot be added to: use a layout in a directory (oci:DIRECTORY)")]
    NotExtendable {
        /// The archive.
        place: String,
    },
    /// The title of a layer is no name for a file here, or two layers have it.
    #[error("refusing to store a layer as {title:?}")]
    Title {
        /// The title.
        title: String,
    },
    /// The files of a layer cannot be stored.
    #[error("unpacking {}", .path.display())]
    Unpack {
        /// Where they should go.
        path: PathBuf,
        /// What went wrong.
        source: Box<wharf::extract::Error>,
    },
    /// What should be stored under a digest has another one.
    #[error("writing {place}: the content has digest {have}")]
    WrongDigest {
        /// Where it should go.
        place: String,
        /// What it is.
        have: Digest,
    },
    /// An image cannot be made from another.
    #[error(transparent)]
    Mutate(#[from] wharf::mutate::Error),
    /// Something else than an index was given where one is needed.
    #[error("expected {place} to be an index, got {media_type:?}", media_type = .media_type.to_string())]
    NoIndex {
        /// What was given.
        place: String,
        /// What it is.
        media_type: MediaType,
    },
    /// Nothing says what an image is based on.
    #[error("could not determine {which} from annotations")]
    NoBase {
        /// Which base, as `new base image`.
        which: &'static str,
    },
    /// An index has no children for the platforms.
    #[error("no child of the index is for {platforms}")]
    NothingLeft {
        /// The platforms.
        platforms: String,
    },
    /// What was pulled cannot be stored.
    #[error("saving {kind} {}", .path.display())]
    Save {
        /// Where it should go.
        path: PathBuf,
        /// What was being made: `OCI layout` or `tarball`.
        kind: &'static str,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A layer to append cannot be made.
    #[error("appending {layer}")]
    Append {
        /// The path of its content, or `-` for what is read.
        layer: String,
        /// What is wrong with it.
        source: Box<wharf::layer::Error>,
    },
    /// The writer that takes the result failed.
    #[error("writing the archive")]
    Write(#[source] std::io::Error),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] wharf::cache::Error),
    /// The operating system refused.
    #[error("{action} {}", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

/// Whether content is not where an index says that it is: such an index is sparse, and that is allowed.
pub(crate) fn is_missing(error: &wharf::v1::Error) -> bool {
    match error {
        wharf::v1::Error::NotFound { .. } => true,
        error => error.source_ref().is_some_and(wharf::remote::Error::is_not_found),
    }
}

/// The first of some names: a layout may list any number.
fn shown(names: &[String]) -> String {
    const MOST: usize = 10;
    let more = if names.len() > MOST { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(MOST)].join(", "))
}

impl Error {
    /// Whether what was asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Remote(error) => error.is_not_found(),
            Self::Content(error) => is_missing(error),
            Self::NotListed { .. } => true,
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
    }

    pub(crate) fn load(
        kind: &'static str,
        path: &Path,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Load {
            path: path.to_owned(),
            kind,
            source: Box::new(source),
        }
    }

    pub(crate) fn save(
        kind: &'static str,
        path: &Path,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Save {
            path: path.to_owned(),
            kind,
            source: Box::new(source),
        }
    }
}
