//! Images with other layers.

use std::sync::Arc;

use wharf_layer::Compression;
use wharf_mutate::{
    Addendum, Error, MutatedImage, append_layers, edit_config, recompress, recompress_layers, remove_layers,
    remove_layers_by_digest,
};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::StaticLayer;
use wharf_v1::{Image as _, ImageExt as _, Matcher, conformance, media_type, sha256};

use crate::support::{assembled, base, built, check_kept, history, layers_of, raw, steps_of};

#[tokio::test]
async fn layers_are_removed_with_their_history() {
    let words = ["a", "(b)", "c", "a", "(d)"];
    let image = remove_layers(Arc::new(built(base(), &words)), [0, 1])
        .await
        .expect("there");
    check_kept(&image).await;
    let a = sha256("a").to_string();
    assert_eq!(layers_of(&image).await, (vec![a.clone()], vec![a]));
    assert_eq!(steps_of(&image).await, ["(b)", "a", "(d)"]);
    conformance::image(image).await;

    let image = remove_layers_by_digest(Arc::new(built(base(), &words)), [sha256("a")]).await;
    let image = image.expect("there");
    let c = sha256("c").to_string();
    assert_eq!(layers_of(&image).await, (vec![c.clone()], vec![c]));
    assert_eq!(steps_of(&image).await, ["(b)", "c", "(d)"]);
    conformance::image(image).await;

    let image = remove_layers(Arc::new(built(base(), &words)), [0, 1, 2])
        .await
        .expect("there");
    let (manifest, _) = raw(&image).await;
    assert!(manifest.contains(r#""layers":[]"#), "{manifest}");
    conformance::image(image).await;

    let image = remove_layers(Arc::new(built(base(), &words)), [])
        .await
        .expect("nothing to do");
    assert_eq!(raw(&image).await, raw(&built(base(), &words)).await);
}

#[tokio::test]
async fn layers_without_history_are_removed_too() {
    let silent = edit_config(Arc::new(built(base(), &["a", "b"])), |config| {
        config.set_history(None);
    });
    let image = remove_layers(Arc::new(silent), [0]).await.expect("there");
    assert_eq!(layers_of(&image).await.0, [sha256("b").to_string()]);
    assert!(steps_of(&image).await.is_empty());
    // Of the second layer nothing is told.
    let short = edit_config(Arc::new(built(base(), &["a", "b"])), |config| {
        config.set_history(Some(vec![history("a")]));
    });
    let image = remove_layers(Arc::new(short), [1]).await.expect("there");
    assert_eq!(steps_of(&image).await, ["a"]);
}

#[tokio::test]
async fn what_there_is_not_cannot_be_removed() {
    let image = || Arc::new(built(base(), &["a", "b"]));
    let error = remove_layers(image(), [1, 2]).await.expect_err("no third layer");
    assert_eq!(error.to_string(), "no layer 2: the image has 2");
    let error = remove_layers_by_digest(image(), [sha256("a"), sha256("c")]).await;
    assert!(matches!(error, Err(Error::NotFound { digest }) if digest == sha256("c")));
    let lying = edit_config(image(), |config| {
        config.set_history(Some(vec![history("1"), history("2"), history("3")]));
    });
    let error = remove_layers(Arc::new(lying), [0]).await;
    let want = (3, 2);
    assert!(matches!(error, Err(Error::History { entries, layers }) if (entries, layers) == want));
}

/// A tar with one file, repeated so that compressing it is worth it.
fn tar() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let content = "content ".repeat(1000);
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mtime(5);
    let appended = archive.append_data(&mut header, "file", content.as_bytes());
    appended.expect("in memory");
    archive.into_inner().expect("in memory")
}

fn with_layers(layers: Vec<Addendum>) -> MutatedImage {
    append_layers(Arc::new(base()), layers)
}

#[tokio::test]
async fn recompressing_keeps_diff_ids_and_config() {
    let plain = Arc::new(StaticLayer::new(tar(), MediaType::ImageLayer));
    let image = with_layers(vec![
        Addendum::new(Arc::clone(&plain) as _)
            .with_urls(["https://example.com/"])
            .with_annotations([
                ("of", "layer"),
                ("io.github.containers.zstd-chunked.manifest-position", "1"),
            ]),
        Addendum::new(Arc::new(StaticLayer::new("{}", "application/x".into()))),
        Addendum::new(Arc::new(StaticLayer::new(
            tar(),
            MediaType::ImageLayerNonDistributable,
        ))),
        Addendum::new(plain).with_media_type(media_type::DOCKER_LAYER.into()),
    ]);
    let (before, config) = raw(&image).await;
    let mut image = Arc::new(image);
    for (compression, first, last) in [
        (
            Compression::gzip(),
            media_type::OCI_LAYER_GZIP,
            media_type::DOCKER_LAYER_GZIP,
        ),
        (
            Compression::zstd(),
            media_type::OCI_LAYER_ZSTD,
            media_type::DOCKER_LAYER_ZSTD,
        ),
        (Compression::None, media_type::OCI_LAYER, media_type::DOCKER_LAYER),
    ] {
        image = Arc::new(recompress(image, compression).await.expect("readable"));
        check_kept(&image).await;
        let (manifest, after) = raw(&image).await;
        assert_eq!(after, config);
        assert!(manifest.contains(r#""annotations":{"of":"layer"}"#), "{manifest}");
        assert!(!manifest.contains("example.com"), "{manifest}");
        let layers = image.layers().await.expect("layers");
        let types: Vec<_> = layers
            .iter()
            .map(|layer| layer.media_type().to_string())
            .collect();
        let foreign = media_type::OCI_RESTRICTED_LAYER;
        assert_eq!(types, [first, "application/x", foreign, last]);
        let stored = layers[0].descriptor().await.expect("descriptor").size();
        assert_eq!(stored < 5000, compression != Compression::None);
        conformance::image(Arc::clone(&image)).await;
    }
    // Plain again, so only what was said of other bytes is gone.
    let urls = r#""urls":["https://example.com/"],"#;
    let chunked = r#""io.github.containers.zstd-chunked.manifest-position":"1","#;
    assert_eq!(raw(&image).await.0, before.replace(urls, "").replace(chunked, ""));
    // What is stored so already is not touched.
    let digest = image.digest().await.expect("digest");
    let again = recompress(image, Compression::None).await.expect("readable");
    assert_eq!(again.digest().await.expect("digest"), digest);
}

#[tokio::test]
async fn layers_are_picked() {
    let layer = |comment: &'static str| {
        let layer = StaticLayer::new(tar(), MediaType::ImageLayer);
        Addendum::new(Arc::new(layer)).with_annotations([("pick", comment)])
    };
    let image = Arc::new(with_layers(vec![layer("no"), layer("yes")]));
    let picked = Matcher::annotation("pick", "yes");
    let picked = recompress_layers(image, Compression::Gzip { level: 9 }, &picked);
    let image = picked.await.expect("readable");
    let layers = image.layers().await.expect("layers");
    assert_eq!(layers[0].media_type(), MediaType::ImageLayer);
    assert_eq!(layers[1].media_type(), MediaType::ImageLayerGzip);
    conformance::image(image).await;
}

#[tokio::test]
async fn unknown_fields_of_a_layers_place_are_kept() {
    let bytes = tar();
    let config = format!(
        r#"{{"os":"linux","rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        sha256(&bytes)
    );
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"{}","digest":"{}","size":{}}},"layers":[{{"mediaType":"{}","digest":"{}","size":{},"x-vendor":[1.0]}}]}}"#,
        media_type::OCI_CONFIG,
        sha256(&config),
        config.len(),
        media_type::OCI_LAYER,
        sha256(&bytes),
        bytes.len(),
    );
    let base = wharf_v1::partial::AssembledImage::new(
        wharf_v1::Manifest::new(manifest, MediaType::ImageManifest),
        wharf_v1::Config::new(config, MediaType::ImageConfig),
        vec![Arc::new(StaticLayer::new(bytes, MediaType::ImageLayer))],
    );
    let base = Arc::new(base.expect("aligned"));
    let image = recompress(base, Compression::gzip()).await.expect("readable");
    let (manifest, _) = raw(&image).await;
    assert!(manifest.contains(r#""x-vendor":[1.0]"#), "{manifest}");
}

#[tokio::test]
async fn damaged_layers_are_reported() {
    let damaged = StaticLayer::new([0x1f, 0x8b, 8, 0, 1, 2, 3].as_slice(), MediaType::ImageLayerGzip);
    // An artifact, whose config does not ask for the layer's diff_id.
    let artifact = assembled("{}", "application/x".into(), "");
    let image = append_layers(Arc::new(artifact), [Addendum::new(Arc::new(damaged))]);
    let error = recompress(Arc::new(image), Compression::None).await;
    assert!(matches!(error, Err(Error::Layer { .. })), "{error:?}");
}
