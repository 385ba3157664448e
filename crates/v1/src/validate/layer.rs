//! Checks of layers and other blobs.

use futures_util::TryStreamExt as _;
use oci_spec::image::{Descriptor, Digest, DigestAlgorithm};

use super::archive::Flaw;
use super::context::Context;
use super::descriptor;
use super::reading::{self, Unshared};
use super::report::{Check, Notes};
use crate::{Hasher, Layer};

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
    if context.options.fast {
        return check_exists(context, layer, notes).await;
    }
    let wants_diff_id = promise.as_ref().is_none_or(|promise| promise.is_image);
    let in_config = promise.and_then(|promise| promise.diff_id);
    let algorithm = match in_config.and_then(|text| Digest::try_from(text.as_str()).ok()) {
        Some(diff_id) => diff_id.algorithm().clone(),
        None => DigestAlgorithm::Sha256,
    };
    let shared = context.reading(&own, algorithm.clone());
    // Those who wait for another's reading hold no permit.
    let read = || async {
        // It is never closed.
        let _permit = context.readers.acquire().await.ok();
        reading::read(&context.options, layer, &own, &algorithm).await
    };
    let reading = match shared.get_or_try_init(read).await {
        Ok(reading) => reading.clone(),
        Err(Unshared::Other(reading)) => reading,
        Err(Unshared::Unread(error, undecoded)) => {
            if let Some(undecoded) = undecoded {
                notes.error(Check::Readable, &undecoded.to_error());
            }
            return notes.error(Check::Readable, &error);
        }
    };
    let plain = match reading.plain {
        Ok(plain) => Some(plain),
        Err(undecoded) => {
            notes.error(Check::Readable, &undecoded.to_error());
            None
        }
    };
    notes.equal(Check::Digest, own.digest(), &reading.stored.digest);
    notes.equal(Check::Size, &own.size(), &reading.stored.size);
    let Some(plain) = plain else { return };
    if let Some(named) = reading::named_codec(own.media_type())
        && named != plain.codec
        && reading.stored.size > 0
    {
        // Most that read layers go by the bytes, but not all.
        let got = format_args!("{named} by its media type, {} by its bytes", plain.codec).to_string();
        notes.odd(Check::Compression, got);
    }
    for flaw in plain.flaws {
        let check = match flaw {
            Flaw::Duplicate(_) => Check::DuplicateName,
            Flaw::TooManyEntries(_) => Check::Limit,
            Flaw::Damaged(_) => Check::Tar,
        };
        notes.wrong(check, flaw);
    }
    if wants_diff_id {
        check_diff_id(
            context,
            layer,
            in_config,
            reading.stored.size,
            &plain.digest,
            notes,
        )
        .await;
    }
}

async fn check_exists(context: &Context, layer: &dyn Layer, notes: &mut Notes) {
    let _permit = context.readers.acquire().await.ok();
    match layer.exists().await {
        Ok(true) => {}
        Ok(false) => notes.wrong(Check::Exists, "it is not there"),
        Err(error) => notes.error(Check::Readable, &error),
    }
}

async fn check_diff_id(
    context: &Context,
    layer: &dyn Layer,
    in_config: Option<&String>,
    stored: u64,
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
    if !context.options.both_forms {
        return;
    }
    let _permit = context.readers.acquire().await.ok();
    let measured = async {
        let mut hasher = Hasher::new(seen.algorithm())?;
        let mut stream = layer.uncompressed().await?;
        let mut size = 0;
        while let Some(chunk) = stream.try_next().await? {
            size += chunk.len() as u64;
            context.options.limits.check(stored, size)?;
            hasher.update(&chunk);
        }
        Ok(hasher.finish())
    };
    if let Some(other) = notes.take(Check::Readable, measured.await) {
        notes.equal(Check::DiffId, seen, &other);
    }
}
