//! Images on other bases.

use std::sync::Arc;

use wharf_mutate::{Addendum, Error, MutatedImage, RebaseOptions, append_layers, edit_config, rebase};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::StaticLayer;
use wharf_v1::{Image, ImageExt as _, PlatformSpec, conformance, empty, sha256};

use crate::support::{base, built, check_kept, history, layer, layers_of, raw, steps_of};

/// The image without any history.
fn silent(image: MutatedImage) -> MutatedImage {
    edit_config(Arc::new(image), |config| {
        config.set_history(None);
    })
}

async fn check_layers(image: &impl Image, want: &[&str]) {
    let want: Vec<_> = want.iter().map(|content| sha256(content).to_string()).collect();
    assert_eq!(layers_of(image).await, (want.clone(), want));
}

async fn rebased(image: MutatedImage, old: &MutatedImage, new: MutatedImage) -> Arc<MutatedImage> {
    let result = rebase(Arc::new(image), old, Arc::new(new), &RebaseOptions::new()).await;
    let image = Arc::new(result.expect("based on it"));
    conformance::image(Arc::clone(&image)).await;
    image
}

#[tokio::test]
async fn the_top_goes_on_the_new_base() {
    let old = built(base(), &["a", "b", "(c)"]);
    let image = built(built(base(), &["a", "b", "(c)"]), &["(d)", "e"]);
    let windows = PlatformSpec::new("windows", "arm")
        .with_variant("v7")
        .with_os_version("10.0.17763.1339")
        .with_os_features(["win32k"])
        .to_platform();
    let new = edit_config(Arc::new(built(empty::image(), &["x", "y", "z"])), move |config| {
        wharf_mutate::ConfigEdits::new()
            .platform(windows.clone())
            .user("new")
            .apply(config);
    });
    let image = rebased(image, &old, new).await;
    check_kept(&image).await;
    check_layers(&image, &["x", "y", "z", "e"]).await;
    assert_eq!(steps_of(&image).await, ["x", "y", "z", "(d)", "e"]);
    let config = image.config().await.expect("config");
    let config = config.view().expect("config");
    assert_eq!(config.os().to_string(), "windows");
    assert_eq!(config.architecture().to_string(), "arm");
    assert_eq!(config.variant().as_deref(), Some("v7"));
    assert_eq!(config.os_version().as_deref(), Some("10.0.17763.1339"));
    assert_eq!(config.os_features().as_deref(), Some(&["win32k".to_owned()][..]));
    assert_eq!(
        *config.config().as_ref().expect("has one").user(),
        None,
        "the config is the image's own"
    );
    assert_eq!(image.media_type(), MediaType::ImageManifest);
}

/// Where Go loses layers.
#[tokio::test]
async fn no_layer_is_lost_without_history() {
    let words = ["a", "b", "c", "d", "e"];
    let old = silent(built(base(), &words[..3]));
    let image = silent(built(base(), &words));
    let image = rebased(image, &old, silent(built(base(), &["x", "y"]))).await;
    check_layers(&image, &["x", "y", "d", "e"]).await;
    assert!(steps_of(&image).await.is_empty());

    let old = silent(built(base(), &words[..3]));
    let image = rebased(built(base(), &words), &old, built(base(), &["x"])).await;
    check_layers(&image, &["x", "d", "e"]).await;
    assert_eq!(steps_of(&image).await, ["x", "d", "e"]);

    let old = built(base(), &words[..3]);
    let image = silent(built(base(), &words));
    let image = rebased(image, &old, silent(built(base(), &["x"]))).await;
    check_layers(&image, &["x", "d", "e"]).await;
}

#[tokio::test]
async fn new_layers_get_the_images_media_types() {
    let docker = || {
        let layer = StaticLayer::new("x", wharf_v1::media_type::DOCKER_LAYER_GZIP.into());
        append_layers(Arc::new(empty::image()), [Addendum::new(Arc::new(layer))])
    };
    let old = built(base(), &["a"]);
    let image = rebased(built(base(), &["a", "b"]), &old, docker()).await;
    let layers = image.layers().await.expect("layers");
    assert_eq!(layers[0].media_type(), MediaType::ImageLayerGzip);
    // The other way there is a layer that Docker has no name for.
    let new = built(docker(), &[]);
    let artifact = append_layers(
        Arc::new(base()),
        [Addendum::new(Arc::new(StaticLayer::new("z", "x/y".into())))],
    );
    let error = rebase(
        Arc::new(new),
        &docker(),
        Arc::new(artifact),
        &RebaseOptions::new(),
    )
    .await;
    assert!(matches!(error, Err(Error::NoCounterpart { .. })), "{error:?}");
}

#[tokio::test]
async fn recompressed_bases_are_recognised() {
    let plain = || Arc::new(StaticLayer::new("content", MediaType::ImageLayer));
    let image = append_layers(
        Arc::new(base()),
        [Addendum::new(plain()), Addendum::new(layer("top"))],
    );
    let old = append_layers(Arc::new(base()), [Addendum::new(plain())]);
    let old = wharf_mutate::recompress(Arc::new(old), wharf_layer::Compression::gzip())
        .await
        .expect("compressed");
    let new = built(base(), &["x"]);
    let image = rebase(Arc::new(image), &old, Arc::new(new), &RebaseOptions::new()).await;
    check_layers(&image.expect("based on it"), &["x", "top"]).await;
}

#[tokio::test]
async fn the_base_is_named_on_request() {
    let old = built(base(), &["a"]);
    let new = built(base(), &["x"]);
    let digest = new.digest().await.expect("digest");
    let options = RebaseOptions::new().with_base_annotations("registry.example.com/base:2", digest.clone());
    let image = rebase(
        Arc::new(built(base(), &["a", "b"])),
        &old,
        Arc::new(new),
        &options,
    )
    .await;
    let (manifest, _) = raw(&image.expect("based on it")).await;
    let want = format!(
        r#""annotations":{{"old":"1","org.opencontainers.image.base.digest":"{digest}","org.opencontainers.image.base.name":"registry.example.com/base:2"}}"#
    );
    assert!(manifest.contains(&want), "{manifest}");
}

#[tokio::test]
async fn what_is_no_base() {
    async fn check(image: &[&'static str], old: &[&'static str], want: &str) {
        let (image, old) = (built(base(), image), built(base(), old));
        let want = want
            .replace("IMAGE", image.digest().await.expect("digest").as_ref())
            .replace("BASE", old.digest().await.expect("digest").as_ref());
        let new = Arc::new(built(base(), &["x"]));
        let error = rebase(Arc::new(image), &old, new, &RebaseOptions::new()).await;
        assert_eq!(error.expect_err("not based on it").to_string(), want);
    }
    check(
        &["a"],
        &["a", "b"],
        "image IMAGE is not based on BASE (too few layers)",
    )
    .await;
    check(
        &["a", "c"],
        &["a", "b"],
        "image IMAGE is not based on BASE (layer 1 mismatch)",
    )
    .await;

    let lying = edit_config(Arc::new(built(base(), &["x"])), |config| {
        config.set_history(Some(vec![history("1"), history("2")]));
    });
    let (image, old) = (built(base(), &["a"]), built(base(), &["a"]));
    let error = rebase(Arc::new(image), &old, Arc::new(lying), &RebaseOptions::new()).await;
    assert_eq!(
        error.expect_err("malformed").to_string(),
        "malformed image: config history references at least 2 non-empty layer(s), but only 1 layer(s) are present"
    );

    let artifact = || crate::support::assembled("\u{1}binary", "application/x".into(), "");
    let new = Arc::new(built(base(), &["x"]));
    let error = rebase(Arc::new(artifact()), &artifact(), new, &RebaseOptions::new()).await;
    assert!(matches!(error, Err(Error::Content(_))), "{error:?}");
}
