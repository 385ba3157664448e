//! What is on disk after an append.

use std::fs;
use std::sync::Arc;

use wharf_layout::{AppendOptions, Layout};
use wharf_v1::oci_spec::image::{Arch, Descriptor, MediaType, Os, Platform};
use wharf_v1::{Child, Image as _, Index as _, IndexExt as _};

use crate::support::{Behaviour, TestIndex, TestLayer, blob_path, files, image};

#[tokio::test]
async fn an_empty_layout_has_the_bytes_other_tools_write() {
    let dir = tempfile::tempdir().expect("temp dir");
    let root = dir.path().join("a/b");
    Layout::create(&root).await.expect("create");
    assert_eq!(files(&root), ["index.json", "oci-layout"]);
    assert_eq!(
        fs::read_to_string(root.join("oci-layout")).expect("read"),
        "{\n    \"imageLayoutVersion\": \"1.0.0\"\n}"
    );
    assert_eq!(
        fs::read_to_string(root.join("index.json")).expect("read"),
        "{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"application/vnd.oci.image.index.v1+json\",\n   \"manifests\": []\n}"
    );
}

#[tokio::test]
async fn an_image_is_stored_byte_for_byte_and_listed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layers = [
        TestLayer::new("one", Behaviour::Good),
        TestLayer::new("two", Behaviour::Good),
    ];
    let image = image(&layers).with_annotations(r#"{"a":"of manifest","b":"of manifest"}"#);
    let layout = Layout::create(dir.path()).await.expect("create");
    let options = AppendOptions::new()
        .with_annotation("b", "<of options>")
        .with_ref_name("app:1");
    let entry = layout.append_image(&image, &options).await.expect("append");

    let (manifest, config) = (image.built_manifest(), image.built_config());
    for document in [manifest.raw(), config.raw()] {
        let stored = fs::read(blob_path(dir.path(), &wharf_v1::sha256(document))).expect("read");
        assert_eq!(stored, *document);
    }
    for layer in &layers {
        assert!(
            layout
                .has_blob(layer.real_descriptor().digest())
                .await
                .expect("stat")
        );
    }
    assert_eq!(files(dir.path()).len(), 6, "four blobs, oci-layout, index.json");
    assert_eq!(entry.digest(), manifest.digest());
    assert_eq!(
        fs::read_to_string(dir.path().join("index.json")).expect("read"),
        format!(
            r#"{{
   "schemaVersion": 2,
   "mediaType": "application/vnd.oci.image.index.v1+json",
   "manifests": [
      {{
         "mediaType": "application/vnd.oci.image.manifest.v1+json",
         "size": {},
         "digest": "{}",
         "annotations": {{
            "a": "of manifest",
            "b": "\u003cof options\u003e",
            "org.opencontainers.image.ref.name": "app:1"
         }}
      }}
   ]
}}"#,
            manifest.size(),
            manifest.digest()
        )
    );
}

#[cfg(unix)]
#[tokio::test]
async fn every_file_is_readable_by_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let layers = [
        TestLayer::new("one", Behaviour::Good),
        TestLayer::new("two", Behaviour::Streamed),
    ];
    layout
        .append_image(&image(&layers), &AppendOptions::new())
        .await
        .expect("append");
    // What the umask leaves of 0644.
    let reference = dir.path().join("reference");
    fs::File::create(&reference).expect("create");
    let want = fs::metadata(&reference).expect("stat").permissions().mode();
    for file in files(dir.path()) {
        let mode = fs::metadata(dir.path().join(&file))
            .expect("stat")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, want & 0o7777 & 0o644, "{file}");
    }
}

#[tokio::test]
async fn the_same_digest_and_name_replaces_and_others_add() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let image = image(&[TestLayer::new("one", Behaviour::Good)]);
    let (plain, a, b) = (
        AppendOptions::new(),
        AppendOptions::new().with_ref_name("a"),
        AppendOptions::new().with_ref_name("b"),
    );
    for options in [
        &a,
        &b,
        &plain,
        &a.clone().with_annotation("more", "1"),
        &plain,
        &b,
    ] {
        layout.append_image(&image, options).await.expect("append");
    }
    let entries = layout
        .index()
        .await
        .expect("index")
        .children()
        .await
        .expect("children");
    let names: Vec<_> = entries
        .iter()
        .map(|entry| {
            let annotations = entry.annotations().as_ref();
            annotations
                .and_then(|map| map.get("org.opencontainers.image.ref.name"))
                .map(String::as_str)
        })
        .collect();
    assert_eq!(names, [Some("a"), Some("b"), None]);
    let first = entries[0].annotations().as_ref().expect("annotations");
    assert_eq!(
        first.get("more").map(String::as_str),
        Some("1"),
        "the later entry counts"
    );
}

#[tokio::test]
async fn what_is_unknown_in_index_json_is_kept() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let odd = r#"{"vendor":{"n":1.50,"s":"\u003c"},"manifests":[{"mediaType":"x/y","size":3,"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","vendor":[ ]}],"schemaVersion":2}"#;
    fs::write(dir.path().join("index.json"), odd).expect("write");
    layout
        .append_image(&image(&[]), &AppendOptions::new())
        .await
        .expect("append");
    let index = fs::read_to_string(dir.path().join("index.json")).expect("read");
    for kept in ["\"n\": 1.50", "\"s\": \"\\u003c\"", "\"vendor\": []"] {
        assert!(index.contains(kept), "{kept} in {index}");
    }
    assert!(index.starts_with(
        "{\n   \"schemaVersion\": 2,\n   \"manifests\": [\n      {\n         \"mediaType\": \"x/y\""
    ));
    assert!(
        !index.contains("mediaType\": \"application/vnd.oci.image.index"),
        "a missing field stays missing"
    );
}

#[tokio::test]
async fn a_damaged_index_json_is_not_overwritten() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    for damaged in [
        "{",
        "[]",
        r#"{"schemaVersion":2,"manifests":[{"not":"a descriptor"}]}"#,
    ] {
        fs::write(dir.path().join("index.json"), damaged).expect("write");
        let error = layout
            .append_image(&image(&[]), &AppendOptions::new())
            .await
            .expect_err(damaged);
        assert!(matches!(error, wharf_layout::Error::Invalid { .. }), "{error:?}");
        assert_eq!(
            fs::read_to_string(dir.path().join("index.json")).expect("read"),
            damaged
        );
    }
}

#[tokio::test]
async fn null_for_the_list_of_manifests_is_an_empty_list() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    fs::write(
        dir.path().join("index.json"),
        r#"{"schemaVersion":2,"manifests":null}"#,
    )
    .expect("write");
    layout
        .append_image(&image(&[]), &AppendOptions::new())
        .await
        .expect("append");
    assert_eq!(layout.images().await.expect("images").len(), 1);
}

#[tokio::test]
async fn present_blobs_are_not_opened_and_damaged_ones_are_repaired() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let layer = TestLayer::new("content", Behaviour::Good);
    let image = image(&[Arc::clone(&layer)]);
    for _ in 0..2 {
        layout
            .append_image(&image, &AppendOptions::new())
            .await
            .expect("append");
        assert_eq!(layer.opened(), 1);
    }
    let (blob, manifest) = (
        blob_path(dir.path(), layer.real_descriptor().digest()),
        blob_path(dir.path(), image.built_manifest().digest()),
    );
    fs::write(&blob, "cont").expect("truncate");
    fs::write(&manifest, "").expect("truncate");
    layout
        .append_image(&image, &AppendOptions::new())
        .await
        .expect("append");
    assert_eq!(layer.opened(), 2);
    assert_eq!(fs::read(&blob).expect("read"), b"content");
    assert_eq!(fs::read(&manifest).expect("read"), *image.built_manifest().raw());
}

#[tokio::test]
async fn a_layer_that_occurs_twice_is_read_once() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let layer = TestLayer::new("content", Behaviour::Good);
    let image = image(&[Arc::clone(&layer), Arc::clone(&layer), Arc::clone(&layer)]);
    layout
        .append_image(&image, &AppendOptions::new())
        .await
        .expect("append");
    assert_eq!(layer.opened(), 1);
    assert_eq!(
        layout.images().await.expect("images")[0]
            .layers()
            .await
            .expect("layers")
            .len(),
        3
    );
}

#[tokio::test]
async fn streamed_layers_are_stored_under_the_digest_they_turn_out_to_have() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let layers = [
        TestLayer::new("one", Behaviour::Streamed),
        TestLayer::new("two", Behaviour::Streamed),
    ];
    let entry = layout
        .append_image(&image(&layers), &AppendOptions::new())
        .await
        .expect("append");
    assert_eq!(entry.digest(), image(&layers).built_manifest().digest());
    for layer in &layers {
        let stored = fs::read(blob_path(dir.path(), layer.real_descriptor().digest())).expect("read");
        assert_eq!(wharf_v1::sha256(stored), *layer.real_descriptor().digest());
    }
    assert_eq!(files(dir.path()).len(), 6);
}

#[tokio::test]
async fn an_index_is_stored_with_everything_below_it() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let shared = TestLayer::new("shared", Behaviour::Good);
    let image = Arc::new(image(&[
        Arc::clone(&shared),
        TestLayer::new("own", Behaviour::Good),
    ]));
    let blob = TestLayer::new("a blob", Behaviour::Good);
    let inner = Arc::new(TestIndex {
        children: vec![(
            image.built_manifest().descriptor(),
            Child::Image(Arc::clone(&image) as _),
        )],
    });
    let blob_descriptor = Descriptor::new(
        MediaType::Other("application/tar+gzip".to_owned()),
        blob.real_descriptor().size(),
        blob.real_descriptor().digest().clone(),
    );
    let index = TestIndex {
        children: vec![
            (inner.descriptor().await.expect("descriptor"), Child::Index(inner)),
            (image.built_manifest().descriptor(), Child::Image(image)),
            (blob_descriptor.clone(), Child::Blob(Arc::clone(&blob) as _)),
        ],
    };
    let entry = layout
        .append_index(&index, &AppendOptions::new())
        .await
        .expect("append");
    assert_eq!(shared.opened(), 1);
    assert_eq!(
        files(dir.path()).len(),
        2 + 2 + 1 + 2 + 2,
        "2 indexes, manifest, config, 2 layers, blob"
    );

    let root = layout.index().await.expect("index");
    let Child::Index(back) = root.child(&entry).await.expect("child") else {
        panic!("an index")
    };
    assert_eq!(
        back.manifest().await.expect("manifest").raw(),
        index.manifest().await.expect("manifest").raw()
    );
    let kinds: Vec<_> = {
        let mut kinds = Vec::new();
        for child in back.children().await.expect("children") {
            kinds.push(match back.child(&child).await.expect("child") {
                Child::Image(_) => "image",
                Child::Index(_) => "index",
                Child::Blob(_) => "blob",
                _ => "other",
            });
        }
        kinds
    };
    assert_eq!(kinds, ["index", "image", "blob"]);
}

#[tokio::test]
async fn the_platform_is_kept_and_can_be_set() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let mut platform = Platform::default();
    platform
        .set_architecture(Arch::ARM64)
        .set_os(Os::Linux)
        .set_variant(Some("v8".to_owned()));
    let options = AppendOptions::new().with_platform(platform.clone());
    let image = image(&[TestLayer::new("one", Behaviour::Good)]);
    layout.append_image(&image, &options).await.expect("append");
    let listed = layout.images().await.expect("images").remove(0);
    assert_eq!(
        listed.descriptor().await.expect("descriptor").platform().as_ref(),
        Some(&platform)
    );

    // From one layout to the next: the descriptor brings its platform along.
    let other = Layout::create(dir.path().join("other")).await.expect("create");
    let entry = other
        .append_image(&listed, &AppendOptions::new())
        .await
        .expect("append");
    assert_eq!(entry.platform().as_ref(), Some(&platform));
}

#[tokio::test]
async fn many_appends_at_once_are_all_listed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let root = dir.path().join("layout");
    let appends = (0..12).map(|n| {
        let root = root.clone();
        tokio::spawn(async move {
            // Each through a layout of its own, as different processes would.
            let layout = Layout::create(&root).await.expect("create");
            let layers = [
                TestLayer::new("shared", Behaviour::Good),
                TestLayer::new(format!("{n}"), Behaviour::Good),
            ];
            layout
                .append_image(&image(&layers), &AppendOptions::new())
                .await
                .expect("append");
        })
    });
    for append in appends.collect::<Vec<_>>() {
        append.await.expect("no panic");
    }
    let layout = Layout::open(&root).await.expect("open");
    assert_eq!(layout.images().await.expect("images").len(), 12);
    assert_eq!(files(&root).len(), 2 + 12 * 3 + 1);
}
