//! Bytes that other tools make of the same edits.

use std::sync::Arc;

use wharf_layer::{Family, LayerBuilder};
use wharf_mutate::{Addendum, annotate, annotate_index, append_layers};
use wharf_v1::oci_spec::image::{HistoryBuilder, MediaType};
use wharf_v1::partial::StaticLayer;
use wharf_v1::{Image as _, ImageExt as _, Index as _, conformance, empty};

#[tokio::test]
async fn configs_of_layers_of_files() {
    async fn check(files: &[(&'static str, &'static str)], want: &str) {
        let builder = LayerBuilder::from_files(files.iter().copied()).family(Family::Docker);
        let layer = builder.build().await.expect("layer");
        let image = append_layers(Arc::new(empty::image()), [Addendum::new(Arc::new(layer))]);
        let config = image.config().await.expect("config");
        assert_eq!(config.digest().digest(), want, "{files:?}: {:?}", config.raw());
        conformance::image(image).await;
    }
    check(
        &[],
        "11ca5a3e0512e736790815a5fb6fb8f8d1694f6c279cf0b794e716712c05ebce",
    )
    .await;
    check(
        &[("/test", "testy")],
        "e59b3ccdaa772cc007dc0c735f7f7f890a26b68162104fcc9ad7b61c53f8f970",
    )
    .await;
    check(
        &[("/test", "testy"), ("/testalt", "footesty")],
        "f1b16e3950685dd7efc03fd3a16eed480800accdffb6d370e36f75507412570a",
    )
    .await;
    check(
        &[
            ("/1", "1"),
            ("/2", "2"),
            ("/3", "3"),
            ("/4", "4"),
            ("/5", "5"),
            ("/6", "6"),
            ("/7", "7"),
            ("/8", "8"),
            ("/9", "9"),
        ],
        "f11f9897ba7730dd900b118593f74b8181a99d55ba96d86ab602a9a56a8caf19",
    )
    .await;
    check(
        &[("/binary", "binary contents")],
        "a469b58c503d365d5de1d6dbb69a82d5367ed605a7d72c739fd07892fc97b562",
    )
    .await;
    check(
        &[("/test", "testy"), ("/bar", "not useful")],
        "dbd2a3e145bdf60036fbd05234b7925812ad995491241111dc1e1f904262e559",
    )
    .await;
}

#[tokio::test]
async fn an_image_with_a_layer_and_a_history() {
    let layer = StaticLayer::new("..........", MediaType::ImageLayerGzip);
    let history = HistoryBuilder::default()
        .author("dave")
        .build()
        .expect("complete");
    let addendum = Addendum::new(Arc::new(layer)).with_history(history);
    let image = append_layers(Arc::new(empty::image()), [addendum]);
    let config = image.config().await.expect("config");
    assert_eq!(config.size(), 249);
    assert_eq!(
        config.digest().digest(),
        "44fd21e0311ae59e7c456c9f35a3133e8bc7e6ac015180b7ca389e88bd4755c5"
    );
    assert_eq!(
        image.digest().await.expect("digest").digest(),
        "6434884393f624fd15e82473b954944b115935bd5a383e732082a3895648839d"
    );
    conformance::image(image).await;
}

#[tokio::test]
async fn annotations_of_the_empty_image_and_index() {
    let image = annotate(Arc::new(empty::image()), [("foo", "bar")]);
    assert_eq!(
        image.manifest().await.expect("manifest").raw(),
        concat!(
            r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","#,
            r#""config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":115,"#,
            r#""digest":"sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe"},"#,
            r#""layers":[],"annotations":{"foo":"bar"}}"#
        )
    );
    conformance::image(image).await;
    let index = annotate_index(Arc::new(empty::index()), [("foo", "bar")]);
    assert_eq!(
        index.manifest().await.expect("manifest").raw(),
        concat!(
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","#,
            r#""manifests":[],"annotations":{"foo":"bar"}}"#
        )
    );
    conformance::index(index).await;
}
