//! The suite of layers.

use futures_util::StreamExt as _;
use oci_spec::image::{Descriptor, Digest};

use super::must;
use crate::{Error, Hasher, Layer, Measured};

/// Runs every law of layers on `layer`. It may be one that can be read once only, if it was not read
/// yet; it is read.
///
/// # Panics
/// When a law does not hold.
pub async fn layer(layer: impl Layer) {
    run(&layer).await;
}

/// What went by when the layer was read once: as stored, and uncompressed.
struct Seen {
    stored: Measured,
    plain: Measured,
}

pub(super) async fn run(layer: &dyn Layer) {
    if layer.is_reopenable() {
        every_opening_gives_the_same_bytes(layer).await;
    } else {
        values_are_not_computed_before_reading(layer).await;
    }
    let seen = read(layer).await;
    let descriptor = must("stored bytes", layer.descriptor().await);
    digest_and_size_are_those_of_the_stored_bytes(&descriptor, &seen);
    the_diff_id_is_that_of_the_uncompressed_bytes(layer, &seen).await;
    asking_twice_gives_the_same(layer, &descriptor).await;
    assert!(
        must("stored bytes", layer.exists().await),
        "stored bytes: a layer that can be read exists"
    );
    if layer.is_reopenable() {
        uncompressed_is_what_the_magic_bytes_say(layer, &seen).await;
    } else {
        a_second_reading_is_refused(layer).await;
    }
    assert_eq!(
        layer.media_type(),
        *descriptor.media_type(),
        "the media type is the descriptor's"
    );
}

/// Reads the layer once, and both hashes its bytes and decompresses them.
async fn read(layer: &dyn Layer) -> Seen {
    let law = "stored bytes";
    let promised = layer
        .descriptor()
        .await
        .map(|descriptor| descriptor.digest().clone());
    let stored_hasher = hasher_like(law, promised);
    let plain_hasher = hasher_like(law, layer.diff_id().await);
    let (stream, stored) = must(law, layer.compressed().await).hashed(stored_hasher);
    let plain = must(law, stream.decompressed().measure(plain_hasher).await);
    Seen {
        stored: must(law, stored.get()),
        plain,
    }
}

/// A hasher for the algorithm of a digest, and for sha256 where it is not known yet.
fn hasher_like(law: &str, digest: Result<Digest, Error>) -> Hasher {
    digest.map_or_else(
        |_| Hasher::sha256(),
        |digest| must(law, Hasher::new(digest.algorithm())),
    )
}

fn digest_and_size_are_those_of_the_stored_bytes(descriptor: &Descriptor, seen: &Seen) {
    assert_eq!(
        descriptor.size(),
        seen.stored.size,
        "stored bytes: the size is that of the stored bytes"
    );
    assert_eq!(
        *descriptor.digest(),
        seen.stored.digest,
        "stored bytes: the digest is that of the stored bytes"
    );
}

async fn the_diff_id_is_that_of_the_uncompressed_bytes(layer: &dyn Layer, seen: &Seen) {
    let diff_id = must("diff_id", layer.diff_id().await);
    assert_eq!(
        diff_id, seen.plain.digest,
        "diff_id: the diff_id is that of the uncompressed bytes"
    );
}

async fn asking_twice_gives_the_same(layer: &dyn Layer, descriptor: &Descriptor) {
    let law = "stability";
    assert_eq!(
        must(law, layer.descriptor().await),
        *descriptor,
        "{law}: descriptor"
    );
    let (first, second) = (must(law, layer.diff_id().await), must(law, layer.diff_id().await));
    assert_eq!(first, second, "{law}: diff_id");
}

async fn uncompressed_is_what_the_magic_bytes_say(layer: &dyn Layer, seen: &Seen) {
    let law = "forms";
    let stream = must(law, layer.uncompressed().await);
    let hasher = must(law, Hasher::new(seen.plain.digest.algorithm()));
    let plain = must(law, stream.measure(hasher).await);
    assert_eq!(
        plain, seen.plain,
        "{law}: the uncompressed bytes are the stored ones decompressed"
    );
}

/// Also when an earlier stream was dropped halfway, or is still being read.
async fn every_opening_gives_the_same_bytes(layer: &dyn Layer) {
    let law = "reopening";
    let mut abandoned = must(law, layer.compressed().await);
    if let Some(chunk) = abandoned.next().await {
        must(law, chunk);
    }
    let first = must(
        law,
        must(law, layer.compressed().await)
            .measure(Hasher::sha256())
            .await,
    );
    drop(abandoned);
    let second = must(
        law,
        must(law, layer.compressed().await)
            .measure(Hasher::sha256())
            .await,
    );
    assert_eq!(first, second, "{law}: every opening gives the same bytes");
}

/// A layer that is read once knows what it was made with, or says that it does not know yet.
async fn values_are_not_computed_before_reading(layer: &dyn Layer) {
    if let Err(error) = layer.descriptor().await {
        assert!(
            matches!(error, Error::NotComputed),
            "the descriptor before reading: {error:?}"
        );
    }
    if let Err(error) = layer.diff_id().await {
        assert!(
            matches!(error, Error::NotComputed),
            "the diff_id before reading: {error:?}"
        );
    }
}

async fn a_second_reading_is_refused(layer: &dyn Layer) {
    let again = layer.compressed().await;
    assert!(
        matches!(again, Err(Error::Consumed)),
        "opening a read layer again: {again:?}"
    );
}
