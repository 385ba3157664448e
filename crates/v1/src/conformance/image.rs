//! The suite of images.

use super::*;
use crate::media_type::MediaTypeExt as _;
use crate::{Config, ImageExt as _, Manifest};

/// Runs every law of images on `image`, and every law of layers on its layers. All its layers must be
/// there and reopenable.
///
/// # Panics
/// When a law does not hold.
pub async fn image(image: impl Image) {
    run(&image).await;
}

/// All that an image says of itself.
struct Said {
    descriptor: Descriptor,
    manifest: Manifest,
    config: Config,
    layers: Vec<Descriptor>,
}

impl Said {
    async fn by(image: &dyn Image) -> Self {
        let law = "an image says what it is";
        let mut layers = Vec::new();
        for layer in must(law, image.layers().await) {
            layers.push(must(law, layer.descriptor().await));
        }
        Self {
            descriptor: must(law, image.descriptor().await),
            manifest: must(law, image.manifest().await),
            config: must(law, image.config().await),
            layers,
        }
    }

    /// Whether this is an image, whose config has diff_ids, and no other artifact.
    fn is_real_image(&self) -> bool {
        self.config.media_type().is_config()
    }
}

pub(super) async fn run(image: &dyn Image) {
    let said = Said::by(image).await;
    the_digest_is_that_of_the_raw_bytes(&said.descriptor, &said.manifest);
    the_size_is_that_of_the_raw_bytes(&said.descriptor, &said.manifest);
    the_view_is_of_the_raw_bytes(&said.manifest);
    the_config_digest_is_that_of_the_raw_config(&said);
    the_manifest_describes_the_config(&said);
    the_config_view_is_of_the_raw_config(&said);
    layers_are_aligned(image, &said).await;
    layers_are_found_by_digest_and_diff_id(image).await;
    layers_are_what_the_manifest_says(&said);
    asking_twice_gives_the_same(image, &said).await;
    each_occurrence_is_its_own(image, &said).await;
    assert_eq!(
        image.media_type(),
        *said.descriptor.media_type(),
        "the media type is the descriptor's"
    );
    assert_eq!(
        image.media_type(),
        *said.manifest.media_type(),
        "the media type is the manifest's"
    );
    for layer in must("stored bytes", image.layers().await) {
        layer::run(&*layer).await;
    }
}

fn the_config_digest_is_that_of_the_raw_config(said: &Said) {
    let law = "config digest";
    let digest = digest_like(law, said.config.digest(), said.config.raw());
    assert_eq!(
        *said.config.digest(),
        digest,
        "{law}: the config's digest is that of its raw bytes"
    );
}

fn the_manifest_describes_the_config(said: &Said) {
    let law = "config descriptor";
    let wanted = must(law, said.manifest.view()).config();
    assert_eq!(
        wanted.size(),
        said.config.size(),
        "{law}: the manifest gives the config's size"
    );
    let digest = digest_like(law, wanted.digest(), said.config.raw());
    assert_eq!(
        *wanted.digest(),
        digest,
        "{law}: the manifest gives the config's digest"
    );
    assert_eq!(
        wanted.media_type(),
        said.config.media_type(),
        "{law}: the manifest gives its media type"
    );
}

fn the_config_view_is_of_the_raw_config(said: &Said) {
    if said.is_real_image() {
        view_is_of_raw("config view", &said.config);
    }
}

async fn layers_are_aligned(image: &dyn Image, said: &Said) {
    let law = "alignment";
    let listed = must(law, said.manifest.view()).layers();
    assert_eq!(
        said.layers.len(),
        listed.len(),
        "{law}: there is a layer for each that is listed"
    );
    for (i, (layer, listed)) in said.layers.iter().zip(listed).enumerate() {
        assert_eq!(
            layer.digest(),
            listed.digest(),
            "{law}: layer {i} is the one listed there"
        );
    }
    if !said.is_real_image() {
        return;
    }
    let diff_ids = must(law, said.config.view()).rootfs().diff_ids();
    assert_eq!(
        diff_ids.len(),
        listed.len(),
        "{law}: there is a diff_id for each layer"
    );
    for (i, layer) in must(law, image.layers().await).iter().enumerate() {
        let diff_id = must(law, layer.diff_id().await);
        assert_eq!(diff_id.to_string(), diff_ids[i], "{law}: diff_id of layer {i}");
    }
}

async fn layers_are_found_by_digest_and_diff_id(image: &dyn Image) {
    let law = "lookup";
    for layer in must(law, image.layers().await) {
        let layer_digest = must(law, layer.descriptor().await).digest().clone();
        let found = must(law, image.layer_by_digest(&layer_digest).await);
        assert_eq!(
            *must(law, found.descriptor().await).digest(),
            layer_digest,
            "{law}: found by digest"
        );
        let diff_id = must(law, layer.diff_id().await);
        let found = must(law, image.layer_by_diff_id(&diff_id).await);
        assert_eq!(
            must(law, found.diff_id().await),
            diff_id,
            "{law}: found by diff_id"
        );
    }
    let nothing = crate::sha256("content that no image has, as this text explains");
    let absent = image.layer_by_digest(&nothing).await;
    assert!(matches!(absent, Err(Error::NotFound { .. })), "{law}: {absent:?}");
}

fn layers_are_what_the_manifest_says(said: &Said) {
    let law = "listing";
    for (i, (layer, listed)) in said
        .layers
        .iter()
        .zip(must(law, said.manifest.view()).layers())
        .enumerate()
    {
        assert_eq!(layer.digest(), listed.digest(), "{law}: digest of layer {i}");
        assert_eq!(layer.size(), listed.size(), "{law}: size of layer {i}");
        assert_eq!(
            layer.media_type(),
            listed.media_type(),
            "{law}: media type of layer {i}"
        );
    }
}

/// Nothing that was handed out is the image's own.
async fn asking_twice_gives_the_same(image: &dyn Image, said: &Said) {
    let law = "stability";
    must(law, image.layers().await).clear();
    must(law, image.descriptor().await)
        .set_annotations(None)
        .set_size(0);
    let again = Said::by(image).await;
    assert_eq!(again.descriptor, said.descriptor, "{law}: descriptor");
    assert_eq!(again.manifest.raw(), said.manifest.raw(), "{law}: manifest");
    assert_eq!(again.config.raw(), said.config.raw(), "{law}: config");
    assert_eq!(again.layers, said.layers, "{law}: layers");
}

/// Two layers may have one diff_id and two digests, or one digest and two places.
async fn each_occurrence_is_its_own(image: &dyn Image, said: &Said) {
    let law = "occurrences";
    for (i, layer) in must(law, image.layers().await).iter().enumerate() {
        let layer_digest = said.layers[i].digest();
        let hasher = must(law, Hasher::new(layer_digest.algorithm()));
        let bytes = must(law, must(law, layer.compressed().await).measure(hasher).await);
        assert_eq!(bytes.digest, *layer_digest, "{law}: layer {i} has its own bytes");
        let found = must(law, image.layer_by_digest(layer_digest).await);
        assert_eq!(
            must(law, found.descriptor().await).digest(),
            layer_digest,
            "{law}: layer {i} by digest"
        );
    }
}
