//! What can go wrong with content.

use std::error::Error as StdError;

use oci_spec::image::{Digest, MediaType};

use crate::document::DocumentKind;

/// What can go wrong when content is opened, read, verified or parsed.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A streaming layer was asked for its digest, diff_id or size before its bytes went by.
    #[error("value not computed until stream is consumed")]
    NotComputed,
    /// A layer that can be read once was opened a second time.
    #[error("stream was already consumed")]
    Consumed,
    /// A stream that computes a value was dropped before its end, so the value will never be known.
    #[error("stream was abandoned before its end")]
    Aborted,
    /// The image, index or layout has no content of this digest.
    #[error("{digest} not found")]
    NotFound {
        /// The digest that was asked for.
        digest: Digest,
    },
    /// No child of an index fits the platform asked for.
    #[error("no child with platform {wanted} ({})", there_are(.available))]
    NoPlatform {
        /// The platform asked for, as text.
        wanted: String,
        /// The platforms that the index has, as text; none if it says of no child what it is for.
        available: Vec<String>,
    },
    /// The content has another number of bytes than its descriptor says.
    #[error("error verifying size; got {got}, want {want}")]
    SizeMismatch {
        /// Bytes that came. Where too many came this is the count at which reading stopped.
        got: u64,
        /// Bytes that the descriptor promises.
        want: u64,
    },
    /// The content hashes to another digest than its descriptor says.
    #[error(
        "error verifying {} checksum after reading {read} bytes; got \"{got}\", want \"{want}\"",
        .want.algorithm()
    )]
    DigestMismatch {
        /// Digest of the bytes that came.
        got: Digest,
        /// Digest that was promised.
        want: Digest,
        /// How many bytes were hashed.
        read: u64,
    },
    /// Content cannot be verified, because its digest uses an algorithm that is not supported.
    #[error("unsupported digest algorithm {algorithm}")]
    UnsupportedAlgorithm {
        /// The algorithm's name.
        algorithm: String,
    },
    /// A text is no digest by the grammar of the image specification.
    #[error("cannot parse digest {input:?}")]
    InvalidDigest {
        /// The text.
        input: String,
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Content is of another media type than the operation needs.
    #[error("unexpected media type {got} for {wanted}")]
    UnexpectedMediaType {
        /// The media type found.
        got: MediaType,
        /// What was wanted.
        wanted: DocumentKind,
    },
    /// A manifest, index or config is not valid JSON of its kind.
    #[error("parsing {kind}")]
    InvalidDocument {
        /// Which kind of document it should be.
        kind: DocumentKind,
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A document or blob is larger than the limit for reading it into memory.
    #[error("body exceeds {limit} byte limit")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Compressed content swells more than a limit allows when it is decompressed.
    #[error("content swells to more than {ratio} times its compressed size")]
    Swells {
        /// The limit: uncompressed bytes for each compressed one.
        ratio: u64,
    },
    /// Indexes are nested in each other deeper than a limit.
    #[error("index is nested more than {limit} deep")]
    TooDeep {
        /// The limit, as a number of indexes.
        limit: usize,
    },
    /// An index leads to more than a limit.
    #[error("index leads to more than {limit} descriptors")]
    TooMany {
        /// The limit, as a number of descriptors.
        limit: usize,
    },
    /// A manifest lists another number of layers than its config lists diff_ids.
    #[error("mismatched fs layers ({layers}) and diff ids ({diff_ids})")]
    LayerCount {
        /// Layers in the manifest.
        layers: usize,
        /// Diff_ids in the config.
        diff_ids: usize,
    },
    /// Compressed content is damaged, or uses a codec that this build cannot read.
    #[error("decompressing {codec}")]
    Decompress {
        /// Name of the codec: `gzip` or `zstd`.
        codec: &'static str,
        /// What the codec said.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    Io(std::io::Error),
    /// The place that the content comes from failed: a registry, a layout, an archive.
    #[error(transparent)]
    Source(Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// Wraps the error of an implementation of [`Image`](crate::Image), [`Index`](crate::Index) or
    /// [`Layer`](crate::Layer), so that callers can find it again with [`Error::source_ref`].
    pub fn source(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Source(error.into())
    }

    /// The error of type `E` that this error wraps, if it wraps one.
    #[must_use]
    pub fn source_ref<E: StdError + 'static>(&self) -> Option<&E> {
        match self {
            Self::Source(source) => source.downcast_ref(),
            _ => None,
        }
    }
}

impl From<std::io::Error> for Error {
    /// Gives back the [`Error`] that `error` was made from, if it was; else it is [`Error::Io`].
    fn from(error: std::io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Io)
    }
}

impl From<Error> for std::io::Error {
    /// For readers that can only fail with an I/O error. [`Error::from`] undoes it.
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error,
            Error::SizeMismatch { .. } | Error::DigestMismatch { .. } | Error::Decompress { .. } => {
                Self::new(std::io::ErrorKind::InvalidData, error)
            }
            error => Self::other(error),
        }
    }
}

/// What platforms an index has, for a message.
fn there_are(platforms: &[String]) -> String {
    match platforms {
        [] => "the index says of none what platform it is for".to_owned(),
        platforms => format!("there are: {}", platforms.join(", ")),
    }
}
