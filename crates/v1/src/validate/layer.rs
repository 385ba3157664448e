//! Checks of layers and other blobs.

use std::io::{self, Read as _};

use futures_util::StreamExt as _;
use oci_spec::image::{Descriptor, Digest};
use tokio::sync::oneshot;

use super::archive::{self, Flaw};
use super::context::Context;
use super::report::{Check, Notes};
use super::{ValidateOptions, descriptor};
use crate::media_type::MediaTypeExt as _;
use crate::{ByteStream, Error, Hasher, Layer, Measured};

/// What others say of a layer.
pub(super) struct Promise<'a> {
    /// What the manifest or index says.
    pub(super) listed: &'a Descriptor,
    /// What the config says.
    pub(super) diff_id: Option<&'a String>,
    /// Whether it is a layer of an image, so that it has a diff_id.
    pub(super) is_image: bool,
}

/// Checks a layer, also against what others say of it.
pub(super) async fn check(
    context: &Context,
    layer: &dyn Layer,
    promise: Option<Promise<'_>>,
    notes: &mut Notes,
) {
    let Some(own) = notes.take(Check::Readable, layer.descriptor().await) else {
        return;
    };
    notes.equal(Check::MediaType, own.media_type(), &layer.media_type());
    if let Some(promise) = &promise {
        descriptor::agree(promise.listed, &own, notes);
    }
    // Holding the permit for the whole check bounds the open streams too.
    let Ok(_permit) = context.readers.acquire().await else {
        return;
    };
    if context.options.fast {
        match layer.exists().await {
            Ok(true) => {}
            Ok(false) => notes.wrong(Check::Exists, "it is not there"),
            Err(error) => notes.error(Check::Readable, &error),
        }
        return;
    }
    let wants_diff_id = promise.as_ref().is_none_or(|promise| promise.is_image);
    let in_config = promise.and_then(|promise| promise.diff_id);
    let seen = read(&context.options, layer, &own, in_config).await;
    let Some(seen) = take_seen(layer, &own, seen, notes).await else {
        return;
    };
    notes.equal(Check::Digest, own.digest(), &seen.stored.digest);
    notes.equal(Check::Size, &own.size(), &seen.stored.size);
    for flaw in seen.flaws {
        let check = match flaw {
            Flaw::Duplicate(_) => Check::DuplicateName,
            Flaw::TooManyEntries(_) => Check::Limit,
            Flaw::Damaged(_) => Check::Tar,
        };
        notes.wrong(check, flaw);
    }
    if wants_diff_id {
        check_diff_id(&context.options, layer, in_config, &seen.plain.digest, notes).await;
    }
}

async fn check_diff_id(
    options: &ValidateOptions,
    layer: &dyn Layer,
    in_config: Option<&String>,
    seen: &Digest,
    notes: &mut Notes,
) {
    if let Some(in_config) = in_config
        && in_config != seen.as_ref()
    {
        notes.mismatch(Check::DiffId, in_config, seen);
    }
    if let Some(own) = notes.take(Check::Readable, layer.diff_id().await)
        && own.algorithm() == seen.algorithm()
    {
        notes.equal(Check::DiffId, &own, seen);
    }
    if !options.both_forms {
        return;
    }
    let measured = async {
        let hasher = Hasher::new(seen.algorithm())?;
        layer.uncompressed().await?.measure(hasher).await
    };
    if let Some(other) = notes.take(Check::Readable, measured.await) {
        notes.equal(Check::DiffId, seen, &other.digest);
    }
}

/// What one reading of a layer shows.
struct Seen {
    stored: Measured,
    plain: Measured,
    flaws: Vec<Flaw>,
}

/// Reads a layer once, on a thread for that.
async fn read(
    options: &ValidateOptions,
    layer: &dyn Layer,
    own: &Descriptor,
    in_config: Option<&String>,
) -> Result<Seen, Error> {
    let stored_hasher = Hasher::new(own.digest().algorithm())?;
    let plain_hasher = match in_config.and_then(|text| Digest::try_from(text.as_str()).ok()) {
        Some(diff_id) => Hasher::new(diff_id.algorithm())?,
        None => Hasher::sha256(),
    };
    let stream = layer.compressed().await?;
    // When nobody waits any more this ends the stream, and with it the thread.
    let (_alive, gone) = oneshot::channel::<()>();
    let stream = ByteStream::new(stream.take_until(gone));
    let (stream, stored) = stream.hashed(stored_hasher);
    let (stream, plain) = stream.decompressed_within(options.limits).hashed(plain_hasher);
    let mut reader = stream.into_blocking_read();
    let (is_layer, max_entries) = (own.media_type().is_layer(), options.max_entries);
    let work = tokio::task::spawn_blocking(move || {
        let flaws = if is_layer {
            archive::scan(&mut reader, max_entries)?
        } else {
            Vec::new()
        };
        // What follows the end of the archive belongs to the layer all the same.
        let mut rest = vec![0; 64 * 1024];
        while reader.read(&mut rest)? > 0 {}
        Ok(flaws)
    });
    let flaws = match work.await {
        Ok(flaws) => flaws.map_err(|error: io::Error| Error::from(error))?,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down.
            Err(error) => return Err(Error::Io(io::Error::other(error))),
        },
    };
    Ok(Seen {
        stored: stored.get()?,
        plain: plain.get()?,
        flaws,
    })
}

/// What was seen; where it could not all be seen, what is wrong is noted.
async fn take_seen(
    layer: &dyn Layer,
    own: &Descriptor,
    seen: Result<Seen, Error>,
    notes: &mut Notes,
) -> Option<Seen> {
    let error = match seen {
        Ok(seen) => return Some(seen),
        Err(error) => error,
    };
    notes.error(Check::Readable, &error);
    if !matches!(error, Error::Decompress { .. }) {
        return None;
    }
    // Decoding stopped halfway, so the rest was not hashed: was it damaged, or made so?
    let measured = async {
        let hasher = Hasher::new(own.digest().algorithm())?;
        layer.compressed().await?.measure(hasher).await
    };
    if let Some(stored) = notes.take(Check::Readable, measured.await) {
        notes.equal(Check::Digest, own.digest(), &stored.digest);
        notes.equal(Check::Size, &own.size(), &stored.size);
    }
    None
}
