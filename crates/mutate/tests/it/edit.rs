//! What an edit changes, and what it leaves alone.

use std::sync::Arc;

use proptest::prelude::*;
use wharf_mutate::{
    Addendum, annotate, annotate_index, append_layers, edit_config, remove_annotations,
    remove_annotations_of_index, set_artifact_type, set_artifact_type_of_index, set_subject,
    set_subject_of_index,
};
use wharf_v1::oci_spec::image::{Arch, Descriptor, MediaType, Os, Platform};
use wharf_v1::partial::StaticLayer;
use wharf_v1::{
    DocumentKind, Error, Image, ImageExt as _, Index as _, IndexExt as _, conformance, empty, random, sha256,
};

use crate::support::{assembled, base, check_kept, history, layer, raw};

#[tokio::test]
async fn appending_adds_to_manifest_and_config() {
    let history = history("a step");
    let image = append_layers(
        Arc::new(base()),
        [
            Addendum::new(layer("one")).with_history(history.clone()),
            Addendum::without_layer(history),
            Addendum::new(layer("two"))
                .with_media_type("x/y".into())
                .with_urls(["https://example.com/two"])
                .with_annotations([("of", "layer")]),
        ],
    );
    check_kept(&image).await;
    let manifest = image.manifest().await.expect("manifest");
    let descriptors = manifest.view().expect("manifest").layers();
    assert_eq!(descriptors.len(), 2);
    assert_eq!(descriptors[0].digest(), &sha256("one"));
    assert_eq!(descriptors[1].media_type(), &MediaType::from("x/y"));
    assert_eq!(
        descriptors[1].urls().as_deref(),
        Some(&["https://example.com/two".to_owned()][..])
    );
    assert_eq!(
        descriptors[1]
            .annotations()
            .as_ref()
            .and_then(|map| map.get("of"))
            .map(String::as_str),
        Some("layer")
    );
    let config = image.config().await.expect("config");
    let view = config.view().expect("config");
    assert_eq!(
        *view.rootfs().diff_ids(),
        [sha256("one").to_string(), sha256("two").to_string()]
    );
    let history = view.history().as_ref().expect("a history");
    let empty: Vec<_> = history
        .iter()
        .map(|entry| entry.empty_layer().unwrap_or(false))
        .collect();
    assert_eq!(empty, [false, true, false]);
    for layer in image.layers().await.expect("layers") {
        conformance::layer(layer).await;
    }
    conformance::image(image).await;
}

#[tokio::test]
async fn appending_nothing_changes_nothing() {
    let image = append_layers(Arc::new(base()), []);
    assert_eq!(raw(&image).await, raw(&base()).await);
    conformance::image(image).await;
}

#[tokio::test]
async fn layers_with_one_diff_id_stay_apart() {
    let plain = StaticLayer::new("content", MediaType::ImageLayer);
    let again = StaticLayer::new("content", MediaType::ImageLayerGzip);
    let image = append_layers(
        Arc::new(base()),
        [Addendum::new(Arc::new(plain)), Addendum::new(Arc::new(again))],
    );
    let layers = image.layers().await.expect("layers");
    assert_eq!(layers.len(), 2);
    assert_ne!(layers[0].media_type(), layers[1].media_type());
    conformance::image(image).await;
}

#[tokio::test]
async fn annotations_leave_the_config_alone() {
    let image = annotate(Arc::new(base()), [("new", "2"), ("old", "1")]);
    check_kept(&image).await;
    assert_eq!(raw(&image).await.1, raw(&base()).await.1, "byte for byte");
    let same = annotate(Arc::new(base()), [("old", "1")]);
    assert_eq!(
        same.digest().await.expect("digest"),
        base().digest().await.expect("digest")
    );
    let replaced = annotate(Arc::new(image), [("old", "3")]);
    let manifest = replaced.manifest().await.expect("manifest");
    let annotations = manifest
        .view()
        .expect("manifest")
        .annotations()
        .clone()
        .expect("annotations");
    assert_eq!(
        (annotations["old"].as_str(), annotations["new"].as_str()),
        ("3", "2")
    );
    conformance::image(replaced).await;
}

#[tokio::test]
async fn an_edited_config_gets_a_new_digest() {
    let image = edit_config(Arc::new(base()), |config| {
        config.set_author(Some("<dave>".to_owned()));
    });
    check_kept(&image).await;
    let (_, config) = raw(&image).await;
    assert!(config.contains(r#""author":"\u003cdave\u003e""#), "{config}");
    conformance::image(image).await;
    let same = edit_config(Arc::new(base()), |_| {});
    assert_eq!(raw(&same).await, raw(&base()).await);
}

#[tokio::test]
async fn embedded_configs_are_kept_in_step() {
    let config = r#"{"os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let base = assembled(config, MediaType::ImageConfig, r#","data":"c3RhbGU=""#);
    let image = edit_config(Arc::new(base), |config| {
        config.set_os(Os::Windows);
    });
    let manifest = image.manifest().await.expect("manifest");
    let data = manifest
        .view()
        .expect("manifest")
        .config()
        .data()
        .clone()
        .expect("embedded");
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).expect("base64");
    assert_eq!(decoded, *image.config().await.expect("config").raw());
    conformance::image(image).await;
}

#[tokio::test]
async fn artifacts_keep_whatever_config_they_have() {
    let artifact = || Arc::new(assembled("\u{1}binary", "application/x".into(), ""));
    for image in [
        annotate(artifact(), [("new", "2")]),
        append_layers(artifact(), [Addendum::new(layer("one"))]),
    ] {
        assert_eq!(image.config().await.expect("config").raw(), "\u{1}binary");
        conformance::image(image).await;
    }
    let image = edit_config(artifact(), |_| {});
    for error in [image.config().await.map(drop), image.manifest().await.map(drop)] {
        let error = error.expect_err("no image");
        assert!(
            matches!(
                &error,
                Error::UnexpectedMediaType {
                    wanted: DocumentKind::Config,
                    ..
                }
            ),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn layers_that_do_not_fit_the_config_are_refused() {
    let image = edit_config(Arc::new(base()), |config| {
        let mut rootfs = config.rootfs().clone();
        rootfs.set_diff_ids(vec![sha256("none").to_string()]);
        config.set_rootfs(rootfs);
    });
    assert!(matches!(
        image.manifest().await,
        Err(Error::LayerCount {
            layers: 0,
            diff_ids: 1
        })
    ));
}

#[tokio::test]
async fn the_platform_an_index_gave_the_base_is_kept() {
    let mut platform = Platform::default();
    platform.set_architecture(Arch::ARM64).set_os(Os::Linux);
    let mut descriptor = base().descriptor().await.expect("descriptor");
    descriptor.set_platform(Some(platform.clone()));
    let listed = Arc::new(base().with_descriptor(descriptor).expect("its own"));
    let kept = annotate(Arc::clone(&listed) as _, [("new", "2")]);
    assert_eq!(
        kept.descriptor().await.expect("descriptor").platform().as_ref(),
        Some(&platform)
    );
    let edited = edit_config(listed, |config| {
        config.set_architecture(Arch::Amd64);
    });
    platform.set_architecture(Arch::Amd64);
    assert_eq!(
        edited.descriptor().await.expect("descriptor").platform().as_ref(),
        Some(&platform),
        "what changed in the config changes here"
    );
}

#[tokio::test]
async fn annotations_are_removed() {
    let image = annotate(Arc::new(base()), [("new", "2")]);
    let image = remove_annotations(Arc::new(image), ["new", "absent"]);
    check_kept(&image).await;
    assert!(!raw(&image).await.0.contains("\"new\""));
    conformance::image(image).await;
    let image = remove_annotations(Arc::new(base()), ["absent"]);
    assert_eq!(raw(&image).await, raw(&base()).await);
    let image = remove_annotations(Arc::new(base()), ["old"]);
    assert!(!raw(&image).await.0.contains("annotations"));
    let index = annotate_index(Arc::new(empty::index()), [("a", "1")]);
    let index = remove_annotations_of_index(Arc::new(index), ["a"]);
    let manifest = index.manifest().await.expect("manifest");
    assert!(manifest.raw().ends_with(br#""manifests":[]}"#), "{manifest:?}");
}

/// In Go any later mutation clears the subject.
#[tokio::test]
async fn subjects_and_artifact_types_survive_in_any_order() {
    let subject = Descriptor::new(MediaType::ImageManifest, 5, sha256("other"));
    let artifact_type = MediaType::from("application/x-kind");
    let one = set_subject(Arc::new(base()), subject.clone());
    let one = annotate(Arc::new(one), [("a", "b")]);
    let one = set_artifact_type(Arc::new(one), artifact_type.clone());
    let two = set_artifact_type(Arc::new(base()), artifact_type);
    let two = annotate(Arc::new(two), [("a", "b")]);
    let two = set_subject(Arc::new(two), subject.clone());
    assert_eq!(raw(&one).await, raw(&two).await);
    let edited = edit_config(Arc::new(two), |config| {
        config.set_author(Some("dave".to_owned()));
    });
    let manifest = edited.manifest().await.expect("manifest");
    let view = manifest.view().expect("manifest");
    assert_eq!(view.subject().as_ref(), Some(&subject));
    assert!(view.artifact_type().is_some() && view.annotations().is_some());
    conformance::image(one).await;
    conformance::image(edited).await;

    let cleared = set_artifact_type(Arc::new(set_subject(Arc::new(base()), None)), None);
    let (manifest, _) = raw(&cleared).await;
    assert!(
        !manifest.contains("subject") && manifest.contains("x-vendor"),
        "{manifest}"
    );
}

#[tokio::test]
async fn indexes_have_subjects_too() {
    let subject = Descriptor::new(MediaType::ImageManifest, 5, sha256("other"));
    let index = set_subject_of_index(Arc::new(random::index(1, 1, 1, 100)), subject.clone());
    let index = annotate_index(Arc::new(index), [("a", "b")]);
    let index = set_artifact_type_of_index(Arc::new(index), MediaType::from("x/y"));
    let manifest = index.manifest().await.expect("manifest");
    let view = manifest.view().expect("manifest");
    assert_eq!(view.subject().as_ref(), Some(&subject));
    assert_eq!(view.artifact_type(), &Some(MediaType::from("x/y")));
    conformance::index(index).await;
}

#[tokio::test]
async fn indexes_keep_their_children() {
    let base = random::index(1, 2, 1, 100);
    let children = base.children().await.expect("children");
    let index = annotate_index(Arc::new(base), [("new", "2")]);
    assert_eq!(index.children().await.expect("children"), children);
    conformance::index(index).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn stacked_edits_conform(edits in prop::collection::vec(0..3u8, 0..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(async {
            let mut image: Arc<dyn Image> = Arc::new(empty::oci_image());
            for (n, edit) in edits.iter().enumerate() {
                image = match edit {
                    0 => Arc::new(append_layers(image, [Addendum::new(layer("content"))])),
                    1 => Arc::new(annotate(image, [(n.to_string(), "x")])),
                    _ => Arc::new(edit_config(image, move |config| {
                        config.set_author(Some(n.to_string()));
                    })),
                };
            }
            let appended = edits.iter().filter(|edit| **edit == 0).count();
            assert_eq!(image.layers().await.expect("layers").len(), appended);
            conformance::image(image).await;
        });
    }
}
