//! Reading content once, for all that is checked of it.

use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{StreamExt as _, TryStreamExt as _};
use oci_spec::image::{Descriptor, Digest, DigestAlgorithm, MediaType};
use tokio::sync::oneshot;

use super::ValidateOptions;
use super::archive::{self, Flaw};
use crate::media_type::MediaTypeExt as _;
use crate::{ByteStream, Codec, Error, Hasher, Layer, Measured, blocking};

/// What reading some content showed.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The bytes as stored.
    pub(super) stored: Measured,
    /// What they decompress to, or why they do not.
    pub(super) plain: Result<Plain, Undecoded>,
}

/// What is in the compression.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    /// Of the uncompressed bytes.
    pub(super) digest: Digest,
    /// The compression, by the first bytes.
    pub(super) codec: Codec,
    /// What is wrong with the archive.
    pub(super) flaws: Vec<Flaw>,
}

/// Why content cannot be decompressed as far as it should.
#[derive(Clone, Debug)]
pub(super) enum Undecoded {
    Damaged { codec: &'static str, cause: String },
    TooLarge { limit: u64 },
    Swells { ratio: u64 },
}

impl Undecoded {
    /// The error that says so; what is no such error is given back.
    fn new(error: Error) -> Result<Self, Error> {
        match error {
            Error::Decompress { codec, source } => Ok(Self::Damaged {
                codec,
                cause: super::report::chain(&*source),
            }),
            Error::TooLarge { limit } => Ok(Self::TooLarge { limit }),
            Error::Swells { ratio } => Ok(Self::Swells { ratio }),
            error => Err(error),
        }
    }

    pub(super) fn to_error(&self) -> Error {
        match self {
            Self::Damaged { codec, cause } => Error::Decompress {
                codec,
                source: cause.clone().into(),
            },
            Self::TooLarge { limit } => Error::TooLarge { limit: *limit },
            Self::Swells { ratio } => Error::Swells { ratio: *ratio },
        }
    }
}

/// Why there is no reading that may be shared.
pub(super) enum Unshared {
    /// The bytes are not those that were promised, so they say nothing of others with that promise.
    Other(Reading),
    /// It cannot be read to its end; and before that was seen, it could not be decompressed either.
    Unread(Error, Option<Undecoded>),
}

/// Reads a layer once, on a thread for that. Where decoding stops halfway it is read a second time, without:
/// was it damaged, or made so?
///
/// # Errors
/// When the reading says nothing of the content that `own` describes, or there is none.
pub(super) async fn read(
    options: &ValidateOptions,
    layer: &dyn Layer,
    own: &Descriptor,
    diff_id_algorithm: &DigestAlgorithm,
) -> Result<Reading, Unshared> {
    let reading = match decode(options, layer, own, diff_id_algorithm).await {
        Ok(reading) => reading,
        Err(error) => {
            let undecoded = Undecoded::new(error).map_err(|error| Unshared::Unread(error, None))?;
            let measured = async {
                let hasher = Hasher::new(own.digest().algorithm())?;
                layer.compressed().await?.measure(hasher).await
            };
            match measured.await {
                Ok(stored) => Reading {
                    stored,
                    plain: Err(undecoded),
                },
                Err(error) => return Err(Unshared::Unread(error, Some(undecoded))),
            }
        }
    };
    if reading.stored.digest == *own.digest() && reading.stored.size == own.size() {
        Ok(reading)
    } else {
        Err(Unshared::Other(reading))
    }
}

async fn decode(
    options: &ValidateOptions,
    layer: &dyn Layer,
    own: &Descriptor,
    diff_id_algorithm: &DigestAlgorithm,
) -> Result<Reading, Error> {
    let stored_hasher = Hasher::new(own.digest().algorithm())?;
    let plain_hasher = Hasher::new(diff_id_algorithm)?;
    let stream = layer.compressed().await?;
    // When nobody waits any more this ends the stream, and with it the thread.
    let (_alive, gone) = oneshot::channel::<()>();
    let stream = ByteStream::new(stream.take_until(gone));
    let head = Arc::new(Mutex::new(Vec::new()));
    let stream = ByteStream::new(stream.inspect_ok({
        let head = Arc::clone(&head);
        move |chunk| keep_head(&head, chunk)
    }));
    let (stream, stored) = stream.hashed(stored_hasher);
    let (stream, plain) = stream.decompressed_within(options.limits).hashed(plain_hasher);
    let mut reader = stream.into_blocking_read();
    let (is_layer, max_entries) = (own.media_type().is_layer(), options.max_entries);
    let work = move || {
        let flaws = if is_layer {
            archive::scan(&mut reader, max_entries)?
        } else {
            Vec::new()
        };
        // What follows the end of the archive belongs to the layer all the same.
        let mut rest = vec![0; 64 * 1024];
        while reader.read(&mut rest)? > 0 {}
        Ok(flaws)
    };
    let flaws = blocking(work).await.flatten()?;
    let digest = plain.get()?.digest;
    Ok(Reading {
        stored: stored.get()?,
        plain: Ok(Plain {
            digest,
            codec: Codec::detect(&lock(&head)),
            flaws,
        }),
    })
}

/// Keeps the bytes that tell how a stream is compressed.
fn keep_head(head: &Mutex<Vec<u8>>, chunk: &[u8]) {
    let mut head = lock(head);
    let missing = Codec::MAGIC_LEN - head.len();
    head.extend_from_slice(&chunk[..missing.min(chunk.len())]);
}

fn lock(head: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    head.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The compression that a layer has by its media type, if that says.
pub(super) fn named_codec(media_type: &MediaType) -> Option<Codec> {
    if !media_type.is_layer() {
        return None;
    }
    match media_type.as_ref().rsplit(['+', '.']).next()? {
        "gzip" => Some(Codec::Gzip),
        "zstd" | "zst" => Some(Codec::Zstd),
        "tar" => Some(Codec::None),
        _ => None,
    }
}
