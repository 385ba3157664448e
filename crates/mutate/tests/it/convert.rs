//! Docker's media types and OCI's.

use std::sync::Arc;

use wharf_layer::Family;
use wharf_mutate::{Addendum, Error, IndexAddendum, append_children, append_layers, convert, convert_index};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::StaticLayer;
use wharf_v1::{Image, Index as _, IndexExt as _, PlatformSpec, conformance, empty, media_type, random};

use crate::support::{assembled, base, check_kept, raw};

fn full(layers: &[&str]) -> wharf_mutate::MutatedImage {
    let addenda = layers.iter().map(|media_type| {
        let layer = StaticLayer::new((*media_type).to_owned(), MediaType::from(*media_type));
        Addendum::new(Arc::new(layer))
            .with_annotations([("of", "layer")])
            .with_urls(["https://example.com/"])
    });
    append_layers(Arc::new(base()), addenda)
}

const OCI: [&str; 5] = [
    media_type::OCI_LAYER,
    media_type::OCI_LAYER_GZIP,
    media_type::OCI_LAYER_ZSTD,
    media_type::OCI_RESTRICTED_LAYER,
    media_type::OCI_RESTRICTED_LAYER_GZIP,
];

async fn types(image: &impl Image) -> Vec<String> {
    let layers = image.layers().await.expect("layers");
    layers
        .iter()
        .map(|layer| layer.media_type().to_string())
        .collect()
}

#[tokio::test]
async fn everything_is_converted_and_all_else_is_kept() {
    let docker = Arc::new(convert(Arc::new(full(&OCI)), Family::Docker));
    check_kept(&docker).await;
    assert_eq!(docker.media_type().as_ref(), media_type::DOCKER_MANIFEST);
    let (manifest, config) = raw(&docker).await;
    assert!(!manifest.contains("vnd.oci"), "{manifest}");
    assert_eq!(manifest.matches(r#""annotations":{"of":"layer"}"#).count(), 5);
    assert_eq!(manifest.matches("https://example.com/").count(), 5);
    assert_eq!(config, raw(&full(&OCI)).await.1, "the image ID stays");
    assert_eq!(
        types(&docker).await,
        [
            media_type::DOCKER_LAYER,
            media_type::DOCKER_LAYER_GZIP,
            media_type::DOCKER_LAYER_ZSTD,
            media_type::DOCKER_PLAIN_FOREIGN_LAYER,
            media_type::DOCKER_FOREIGN_LAYER,
        ]
    );
    conformance::image(Arc::clone(&docker)).await;
    // And back again.
    let oci = convert(Arc::clone(&docker) as _, Family::Oci);
    assert_eq!(raw(&oci).await, raw(&full(&OCI)).await);
    conformance::image(oci).await;
    // To what it is already.
    let same = convert(Arc::clone(&docker) as _, Family::Docker);
    assert_eq!(raw(&same).await, raw(&docker).await);
    let same = convert(Arc::new(base()), Family::Oci);
    assert_eq!(raw(&same).await, raw(&base()).await, "byte for byte");
}

#[tokio::test]
async fn what_docker_does_not_know_is_refused() {
    let config = r#"{"os":"linux"}"#;
    for image in [
        convert(
            Arc::new(full(&[media_type::OCI_RESTRICTED_LAYER_ZSTD])),
            Family::Docker,
        ),
        convert(Arc::new(full(&["application/vnd.in-toto+json"])), Family::Docker),
        convert(Arc::new(assembled(config, "x/y".into(), "")), Family::Docker),
    ] {
        let error = image.manifest().await.expect_err("has no counterpart");
        let error = error.source_ref::<Error>().expect("our own");
        assert!(matches!(error, Error::NoCounterpart { .. }), "{error:?}");
    }
    let kept = convert(Arc::new(assembled(config, "x/y".into(), "")), Family::Oci);
    assert_eq!(kept.config().await.expect("config").media_type().as_ref(), "x/y");
    conformance::image(kept).await;
}

#[tokio::test]
async fn indexes_take_their_children_along() {
    let nested = append_children(
        Arc::new(empty::index()),
        [IndexAddendum::image(full(&OCI)).with_annotations([("deep", "1")])],
    );
    let arm = PlatformSpec::new("linux", "arm64");
    let index = append_children(
        Arc::new(random::index(1, 2, 1, 100)),
        [
            IndexAddendum::index(nested),
            IndexAddendum::image(random::image(9, 1, 100)).with_platform(arm.to_platform()),
        ],
    );
    let index = Arc::new(index);
    let docker = convert_index(Arc::clone(&index) as _, Family::Docker)
        .await
        .expect("all known");
    assert_eq!(docker.media_type().as_ref(), media_type::DOCKER_MANIFEST_LIST);
    let manifest = docker.manifest().await.expect("manifest");
    assert!(!String::from_utf8_lossy(manifest.raw()).contains("vnd.oci"));
    let image = docker.image_for(&arm).await.expect("still for that platform");
    assert_eq!(image.media_type().as_ref(), media_type::DOCKER_MANIFEST);
    let docker = Arc::new(docker);
    conformance::index(Arc::clone(&docker)).await;
    let oci = convert_index(docker, Family::Oci).await.expect("any");
    assert_eq!(
        oci.digest().await.expect("digest"),
        index.digest().await.expect("digest")
    );
    conformance::index(oci).await;
}

#[tokio::test]
async fn children_that_docker_does_not_know_are_refused() {
    let artifact = append_layers(
        Arc::new(empty::oci_image()),
        [Addendum::new(Arc::new(StaticLayer::new(
            "{}",
            "application/vnd.in-toto+json".into(),
        )))],
    );
    for addendum in [
        IndexAddendum::image(artifact),
        IndexAddendum::blob(StaticLayer::new("{}", "application/x".into())),
    ] {
        let index = Arc::new(append_children(Arc::new(empty::index()), [addendum]));
        let error = convert_index(Arc::clone(&index) as _, Family::Docker).await;
        assert!(matches!(error, Err(Error::NoCounterpart { .. })), "{error:?}");
        conformance::index(convert_index(index, Family::Oci).await.expect("any")).await;
    }
}
