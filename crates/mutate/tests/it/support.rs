//! Images for the tests.

use std::sync::Arc;

use wharf_mutate::{Addendum, MutatedImage, append_layers};
use wharf_v1::oci_spec::image::{History, HistoryBuilder, MediaType};
use wharf_v1::partial::{AssembledImage, StaticLayer};
use wharf_v1::{Config, Image, Layer, Manifest, sha256};

/// An OCI image with a subject, annotations and fields that nobody knows, at odds with canonical form.
pub(crate) fn base() -> AssembledImage {
    let config = r#"{ "os":"linux","architecture":"arm64","config":{"Healthcheck":{"StartInterval":5}}, "x-vendor":[1.0], "rootfs":{"type":"layers","diff_ids":[]} }"#;
    assembled(config, MediaType::ImageConfig, "")
}

pub(crate) fn assembled(config: &'static str, config_type: MediaType, of_config: &str) -> AssembledImage {
    let manifest = format!(
        r#"{{ "schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"{config_type}","digest":"{}","size":{},"x-on-config":1{of_config}}},"layers":[],"subject":{{"mediaType":"a/b","digest":"{}","size":7}},"annotations":{{"old":"1"}},"x-vendor":{{"deep":[null]}} }}"#,
        sha256(config),
        config.len(),
        sha256("subject"),
    );
    let manifest = Manifest::new(manifest, MediaType::ImageManifest);
    AssembledImage::new(manifest, Config::new(config, config_type), Vec::new()).expect("aligned")
}

pub(crate) fn layer(content: &'static str) -> Arc<dyn Layer> {
    Arc::new(StaticLayer::new(content, MediaType::ImageLayerGzip))
}

pub(crate) fn history(created_by: &str) -> History {
    let entry = HistoryBuilder::default().created_by(created_by);
    entry.build().expect("nothing is required")
}

/// `image` with a layer for each word, which is its content and its history; `(word)` is a step without a
/// layer.
pub(crate) fn built(image: impl Image, words: &[&'static str]) -> MutatedImage {
    let addenda = words.iter().map(|word| match word.strip_prefix('(') {
        Some(step) => Addendum::without_layer(history(step.trim_end_matches(')'))),
        None => Addendum::new(layer(word)).with_history(history(word)),
    });
    append_layers(Arc::new(image), addenda)
}

pub(crate) async fn raw(image: &impl Image) -> (String, String) {
    let (manifest, config) = (
        image.manifest().await.expect("manifest"),
        image.config().await.expect("config"),
    );
    let text = |raw: &[u8]| String::from_utf8(raw.to_vec()).expect("text");
    (text(manifest.raw()), text(config.raw()))
}

/// What every edit keeps of [`base`].
pub(crate) async fn check_kept(image: &impl Image) {
    let (manifest, config) = raw(image).await;
    for kept in [
        "\"x-vendor\":{\"deep\":[null]}",
        "\"x-on-config\":1",
        "\"old\":\"1\"",
        sha256("subject").as_ref(),
    ] {
        assert!(manifest.contains(kept), "{kept} in {manifest}");
    }
    assert!(
        config.contains("StartInterval") && config.contains("x-vendor"),
        "{config}"
    );
}

/// The digests of an image's layers, and those that its config lists.
pub(crate) async fn layers_of(image: &impl Image) -> (Vec<String>, Vec<String>) {
    let (manifest, config) = (
        image.manifest().await.expect("manifest"),
        image.config().await.expect("config"),
    );
    let layers = manifest.view().expect("manifest").layers();
    let layers = layers.iter().map(|layer| layer.digest().to_string()).collect();
    (layers, config.view().expect("config").rootfs().diff_ids().clone())
}

/// The steps that an image's history tells of; `-` for those it says nothing of, in brackets those that
/// made no layer.
pub(crate) async fn steps_of(image: &impl Image) -> Vec<String> {
    let config = image.config().await.expect("config");
    let history = config
        .view()
        .expect("config")
        .history()
        .clone()
        .unwrap_or_default();
    let step = |entry: &History| {
        let by = entry.created_by().clone().unwrap_or_else(|| "-".to_owned());
        if entry.empty_layer() == Some(true) {
            format!("({by})")
        } else {
            by
        }
    };
    history.iter().map(step).collect()
}
