//! Images with one layer in the place of many.

use std::sync::Arc;
use std::time::SystemTime;

use wharf_extract::{ExtractOptions, extract};
use wharf_layer::{Compression, LayerBuilder, header};
use wharf_mutate::{
    Addendum, Error, FlattenOptions, IndexAddendum, annotate, append_children, append_layers, edit_config,
    export, flatten, flatten_index, set_subject, squash_layers,
};
use wharf_v1::media_type::{DOCKER_LAYER_GZIP, OCI_LAYER_GZIP};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::StaticLayer;
use wharf_v1::validate::{self, ValidateOptions};
use wharf_v1::{
    Image, ImageExt as _, Index as _, IndexExt as _, PlatformSpec, conformance, empty, random, sha256,
};

async fn layered(base: Arc<dyn Image>) -> Arc<dyn Image> {
    let lower = LayerBuilder::from_files([("a", "1"), ("b", "2")])
        .build()
        .await
        .expect("layer");
    let upper = LayerBuilder::from_files([("c", "3"), (".wh.a", "")])
        .build()
        .await
        .expect("layer");
    let addenda = [lower, upper].map(|layer| Addendum::new(Arc::new(layer)));
    let image = edit_config(Arc::new(append_layers(base, addenda)), |config| {
        config.set_author(Some("dave".to_owned()));
    });
    Arc::new(annotate(Arc::new(image), [("k", "v")]))
}

fn options() -> FlattenOptions {
    FlattenOptions::new()
        .with_created(SystemTime::UNIX_EPOCH)
        .with_tool("crane")
}

#[tokio::test]
async fn one_layer_and_all_else_stays() {
    let subject = random::image(9, 1, 10).descriptor().await.expect("descriptor");
    for (base, layer_type) in [
        (Arc::new(empty::image()) as Arc<dyn Image>, DOCKER_LAYER_GZIP),
        (Arc::new(empty::oci_image()), OCI_LAYER_GZIP),
    ] {
        let image: Arc<dyn Image> = Arc::new(set_subject(layered(base).await, Some(subject.clone())));
        let flat = flatten(Arc::clone(&image), &options()).await.expect("flatten");
        let want = extract(Arc::clone(&image), &ExtractOptions::new())
            .collect(1 << 20)
            .await
            .expect("extract");
        let layers = flat.layers().await.expect("layers");
        let [layer] = &layers[..] else {
            panic!("{} layers", layers.len())
        };
        assert_eq!(layer.media_type().to_string(), layer_type);
        assert_eq!(layer.diff_id().await.expect("diff_id"), sha256(&want));
        assert_eq!(flat.media_type(), image.media_type());

        let manifest = flat.manifest().await.expect("manifest");
        let view = manifest.view().expect("manifest");
        assert_eq!(
            view.annotations()
                .as_ref()
                .and_then(|all| all.get("k"))
                .map(String::as_str),
            Some("v")
        );
        assert_eq!(
            view.subject().as_ref().map(|subject| subject.digest()),
            Some(subject.digest())
        );
        let config = flat.config().await.expect("config");
        let view = config.view().expect("config");
        assert_eq!(view.author().as_deref(), Some("dave"));
        assert_eq!(view.created().as_deref(), Some("1970-01-01T00:00:00Z"));
        let history = view.history().as_ref().expect("history");
        let [entry] = &history[..] else {
            panic!("{history:?}")
        };
        let by = format!("crane flatten {}", image.digest().await.expect("digest"));
        assert_eq!(entry.created_by().as_deref(), Some(&by[..]));
        let old: serde_json::Value =
            serde_json::from_str(entry.comment().as_deref().expect("comment")).expect("JSON");
        assert_eq!(old.as_array().map(Vec::len), Some(2));
        conformance::image(Arc::new(flat)).await;
    }
}

#[tokio::test]
async fn flattening_again_gives_the_same_layer() {
    let once: Arc<dyn Image> = Arc::new(
        flatten(layered(Arc::new(empty::image())).await, &options())
            .await
            .expect("flatten"),
    );
    let twice = flatten(Arc::clone(&once), &options()).await.expect("flatten");
    let digest = async |image: &dyn Image| {
        image.layers().await.expect("layers")[0]
            .descriptor()
            .await
            .expect("descriptor")
            .digest()
            .clone()
    };
    assert_eq!(digest(&*once).await, digest(&twice).await);
}

#[tokio::test]
async fn damage_is_told() {
    let damaged = StaticLayer::new(
        "no archive, but long enough to be a header".repeat(30),
        MediaType::ImageLayer,
    );
    let image = append_layers(Arc::new(empty::image()), [Addendum::new(Arc::new(damaged))]);
    let error = flatten(Arc::new(image), &options())
        .await
        .expect_err("it is damaged");
    assert!(matches!(error, Error::Flatten { .. }), "{error}");
}

#[tokio::test]
async fn indexes_keep_what_is_no_image() {
    let arm = PlatformSpec::new("linux", "arm64");
    let attestation = PlatformSpec::new("unknown", "unknown");
    let blob = StaticLayer::new("a note", MediaType::from("text/plain"));
    let base = append_children(
        Arc::new(empty::index()),
        [
            IndexAddendum::image(layered(Arc::new(empty::oci_image())).await)
                .with_platform(arm.to_platform()),
            IndexAddendum::image(random::image(2, 1, 10)).with_platform(attestation.to_platform()),
            IndexAddendum::blob(blob),
        ],
    );
    let index = flatten_index(Arc::new(base), &options().with_compression(Compression::None)).await;
    let index = index.expect("flatten");
    let children = index.children().await.expect("children");
    assert_eq!(children.len(), 2);
    assert_eq!(children[0].platform(), &Some(arm.to_platform()));
    assert_eq!(children[1].media_type().to_string(), "text/plain");
    let image = index.image_for(&arm).await.expect("image");
    assert_eq!(image.layers().await.expect("layers").len(), 1);
    assert_eq!(index.media_type(), empty::index().media_type());
}

#[tokio::test]
async fn exporting() {
    let image = layered(Arc::new(empty::image())).await;
    let options = ExtractOptions::new();
    let exported = export(Arc::clone(&image), &options)
        .await
        .expect("export")
        .collect(1 << 20)
        .await;
    let extracted = extract(image, &options).collect(1 << 20).await.expect("extract");
    assert_eq!(exported.expect("export"), extracted);
    // Two of them are no content of their own.
    let note = || Addendum::new(Arc::new(StaticLayer::new("note", MediaType::from("text/plain"))));
    let two = append_layers(Arc::new(empty::oci_image()), [note(), note()]);
    let stream = export(Arc::new(two), &options).await.expect("export");
    assert!(stream.collect(1 << 20).await.is_err());
}

/// A layer that is too large to be looked through beforehand, and has a path twice.
#[tokio::test]
async fn each_path_comes_once() {
    let mut tar = Vec::new();
    for (name, size) in [("twice", 1), ("large", 2 << 20), ("twice", 3)] {
        tar.extend(header::regular_file(name, 0o644, size));
        tar.resize(
            (tar.len() + usize::try_from(size).expect("small")).next_multiple_of(512),
            b'x',
        );
    }
    tar.extend([0; 1024]);
    let large = Arc::new(StaticLayer::new(tar, MediaType::ImageLayer));
    let image = append_layers(
        Arc::new(random::image(1, 1, 10)),
        [
            Addendum::new(large),
            Addendum::new(Arc::new(random::layer(2, 10))),
        ],
    );
    let image: Arc<dyn Image> = Arc::new(image);
    let valid = |image: Arc<dyn Image>| async move {
        let report = validate::image(&image, &ValidateOptions::default()).await;
        report.is_valid()
    };
    assert!(!valid(Arc::clone(&image)).await, "it has a name twice");
    let flat = flatten(Arc::clone(&image), &options()).await.expect("flat");
    assert!(valid(Arc::new(flat)).await);
    for places in [0..3, 1..3] {
        let squashed = squash_layers(Arc::clone(&image), places).await.expect("one");
        assert!(valid(Arc::new(squashed)).await);
    }
}
