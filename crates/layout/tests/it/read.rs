//! What a layout answers, and what it refuses to hand out.

use std::fs;

use wharf_layout::{AppendOptions, Error, Layout};
use wharf_v1::oci_spec::image::Digest;
use wharf_v1::{Error as ContentError, Image as _, ImageExt as _, IndexExt as _};

use crate::support::{Behaviour, TestLayer, blob_path, image};

#[tokio::test]
async fn images_come_back_as_they_were() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let image = image(&[
        TestLayer::new("one", Behaviour::Good),
        TestLayer::new("two", Behaviour::Good),
    ]);
    layout
        .append_image(&image, &AppendOptions::new())
        .await
        .expect("append");

    let layout = Layout::open(dir.path()).await.expect("open");
    let back = layout.images().await.expect("images").remove(0);
    assert_eq!(
        back.manifest().await.expect("manifest").raw(),
        image.built_manifest().raw()
    );
    assert_eq!(
        back.config().await.expect("config").raw(),
        image.built_config().raw()
    );
    let mut contents = Vec::new();
    for layer in back.layers().await.expect("layers") {
        contents.push(
            layer
                .compressed()
                .await
                .expect("open")
                .collect(100)
                .await
                .expect("read"),
        );
        assert_eq!(
            layer.diff_id().await.expect("diff_id"),
            *layer.descriptor().await.expect("descriptor").digest()
        );
    }
    assert_eq!(contents, ["one", "two"]);
}

#[tokio::test]
async fn blobs_are_verified_when_read() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let layer = TestLayer::new("content", Behaviour::Good);
    let digest = layer.real_descriptor().digest().clone();
    layout
        .append_image(&image(&[layer]), &AppendOptions::new())
        .await
        .expect("append");
    let stored = layout
        .images()
        .await
        .expect("images")
        .remove(0)
        .layer_by_digest(&digest)
        .await
        .expect("layer");
    let blob = blob_path(dir.path(), &digest);

    fs::write(&blob, "CONTENT").expect("write");
    let error = stored
        .compressed()
        .await
        .expect("open")
        .collect(100)
        .await
        .expect_err("other bytes");
    assert!(matches!(error, ContentError::DigestMismatch { .. }), "{error:?}");
    let error = layout
        .blob(&digest)
        .await
        .expect("open")
        .collect(100)
        .await
        .expect_err("other bytes");
    assert!(matches!(error, ContentError::DigestMismatch { .. }), "{error:?}");
    for damage in ["conten", "contents"] {
        fs::write(&blob, damage).expect("write");
        let error = stored.compressed().await.expect_err("another size");
        assert!(
            matches!(error, ContentError::SizeMismatch { want: 7, .. }),
            "{error:?}"
        );
    }
    fs::remove_file(&blob).expect("remove");
    let error = stored.compressed().await.expect_err("gone");
    assert!(
        matches!(&error, ContentError::NotFound { digest: of } if *of == digest),
        "{error:?}"
    );
    assert!(layout.blob(&digest).await.expect_err("gone").is_not_found());
}

#[tokio::test]
async fn damaged_documents_are_refused() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let image = image(&[]);
    layout
        .append_image(&image, &AppendOptions::new())
        .await
        .expect("append");
    let config = blob_path(dir.path(), image.built_config().digest());
    let evil = fs::read_to_string(&config)
        .expect("read")
        .replace("amd64", "arm64");
    fs::write(&config, evil).expect("write");
    let error = layout.images().await.expect("images")[0]
        .config()
        .await
        .expect_err("other bytes");
    assert!(matches!(error, ContentError::DigestMismatch { .. }), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_pipes_are_not_followed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path().join("layout")).await.expect("create");
    let layer = TestLayer::new("content", Behaviour::Good);
    let digest = layer.real_descriptor().digest().clone();
    layout
        .append_image(&image(&[layer]), &AppendOptions::new())
        .await
        .expect("append");
    let blob = blob_path(layout.path(), &digest);
    let outside = dir.path().join("outside");
    fs::rename(&blob, &outside).expect("move");
    std::os::unix::fs::symlink(&outside, &blob).expect("link");
    let error = layout.blob(&digest).await.expect_err("a link");
    assert_eq!(error.to_string(), format!("layout blob {digest} is a symlink"));
    fs::remove_file(&blob).expect("remove");
    fs::create_dir(&blob).expect("directory");
    assert!(matches!(
        layout.blob(&digest).await,
        Err(Error::NotRegular { .. })
    ));
}

#[tokio::test]
async fn digests_that_cannot_be_checked_are_refused() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let digest: Digest = "md5:abc".parse().expect("fits the grammar");
    fs::create_dir_all(dir.path().join("blobs/md5")).expect("directory");
    fs::write(blob_path(dir.path(), &digest), "x").expect("write");
    let error = layout.blob(&digest).await.expect_err("unsupported");
    assert!(
        matches!(error, Error::Content(ContentError::UnsupportedAlgorithm { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_no_layout_is_not_opened() {
    let dir = tempfile::tempdir().expect("temp dir");
    let error = Layout::open(dir.path()).await.expect_err("nothing there");
    assert!(error.is_not_found());
    assert_eq!(
        error.to_string(),
        format!("open {}", dir.path().join("index.json").display())
    );

    fs::write(dir.path().join("index.json"), "{}").expect("write");
    fs::write(dir.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).expect("write");
    let error = Layout::open(dir.path()).await.expect_err("another version");
    assert!(
        matches!(&error, Error::Version { version, .. } if version == "2.0.0"),
        "{error:?}"
    );
    fs::remove_file(dir.path().join("oci-layout")).expect("remove");
    Layout::open(dir.path()).await.expect("other tools open it too");
    assert!(Layout::open("nul\0in path").await.is_err());
    assert!(Layout::create("nul\0in path").await.is_err());
}

#[tokio::test]
async fn a_path_in_a_digest_stops_the_parser() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    for digest in [
        "../../etc:passwd",
        "sha256:../../../etc/passwd",
        "sha256:",
        ".:.",
        "a/b:c",
    ] {
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"{digest}"}}]}}"#
        );
        fs::write(dir.path().join("index.json"), index).expect("write");
        let error = layout
            .index()
            .await
            .expect("read")
            .children()
            .await
            .expect_err(digest);
        assert!(
            matches!(error, ContentError::InvalidDocument { .. }),
            "{digest}: {error:?}"
        );
    }
}
