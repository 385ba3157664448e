//! Layouts in a single tar file.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use wharf_layout::{AppendOptions, ArchiveBuilder, Error, FindExt as _, Layout, LayoutArchive};
use wharf_v1::{
    Child, DecompressLimits, Image as _, Index as _, IndexExt as _, Matcher, conformance, random,
};

use crate::support::{Behaviour, TestLayer, image};

fn named(name: &str) -> AppendOptions {
    AppendOptions::new().with_ref_name(name)
}

fn builder() -> ArchiveBuilder {
    let layers = [TestLayer::new("plain", Behaviour::Good)];
    ArchiveBuilder::new()
        .with_image(Arc::new(random::image(1, 3, 1000)), &named("a"))
        .with_index(Arc::new(random::index(2, 2, 2, 500)), &named("b"))
        .with_image(Arc::new(image(&layers)), &named("c"))
}

async fn bytes(builder: &ArchiveBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    builder.write(&mut bytes).await.expect("written");
    bytes
}

fn names(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("a tar");
    entries
        .map(|entry| entry.expect("valid").path().expect("text").display().to_string())
        .collect()
}

#[tokio::test]
async fn what_is_in_an_archive_conforms() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("images.tar");
    builder().write_file(&path).await.expect("written");
    let archive = LayoutArchive::open(&path).await.expect("open");
    for image in archive.images().await.expect("images") {
        for layer in image.layers().await.expect("layers") {
            conformance::layer(layer).await;
        }
        conformance::image(image).await;
    }
    let index = archive.index();
    let Some(Child::Index(nested)) = index.named("b").await.expect("named") else {
        panic!("an index")
    };
    conformance::index(nested).await;
    conformance::index(index).await;
    let verified = archive.verify().await.expect("verify");
    assert!(verified.is_good(), "{:?}", verified.damaged);
    assert_eq!(verified.blobs, 5 + 1 + 2 * 4 + 3);
}

#[tokio::test]
async fn the_same_content_makes_the_same_bytes() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("images.tar");
    let streamed = bytes(&builder()).await;
    let size = builder().write_file(&path).await.expect("written");
    assert_eq!(fs::read(&path).expect("read"), streamed);
    assert_eq!(builder().size().await.expect("size"), streamed.len() as u64);
    assert_eq!(size, streamed.len() as u64);
    let names = names(&streamed);
    assert_eq!(names[..2], ["oci-layout", "index.json"]);
    assert!(names[2..].is_sorted());
}

#[tokio::test]
async fn a_directory_goes_into_an_archive_and_back() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path().join("from")).await.expect("create");
    layout
        .append_image(&random::image(1, 2, 100), &named("a"))
        .await
        .expect("append");
    layout
        .append_index(&random::index(2, 1, 2, 100), &named("b"))
        .await
        .expect("append");
    let blob = layout
        .add_blob("x/y".into(), wharf_v1::ByteStream::from_bytes("opaque"))
        .await
        .expect("add");
    layout.append_descriptor(blob.clone()).await.expect("append");
    let index = layout.index().await.expect("index");
    let path = dir.path().join("images.tar");
    ArchiveBuilder::from_index(Arc::clone(&index))
        .write_file(&path)
        .await
        .expect("written");

    let archive = LayoutArchive::open(&path).await.expect("open");
    let raw = archive.index().manifest().await.expect("index");
    assert_eq!(
        raw.raw(),
        index.manifest().await.expect("index").raw(),
        "byte for byte"
    );
    assert_eq!(archive.read_blob(&blob, 100).await.expect("read"), "opaque");
    assert_eq!(archive.blob_size(blob.digest()).expect("size"), Some(6));
    assert!(archive.verify().await.expect("verify").is_good());

    let back = Layout::create(dir.path().join("back")).await.expect("create");
    let mut transaction = back.transaction();
    for entry in archive.index().children().await.expect("entries") {
        match archive.index().child(&entry).await.expect("child") {
            Child::Image(image) => transaction
                .append_image(&image, &AppendOptions::new())
                .await
                .map(drop),
            Child::Index(index) => transaction
                .append_index(&index, &AppendOptions::new())
                .await
                .map(drop),
            Child::Blob(blob) => back
                .put_blob(&entry, blob.compressed().await.expect("opens"))
                .await
                .map(|()| transaction.append_descriptor(entry.clone())),
            other => panic!("{other:?}"),
        }
        .expect("append");
    }
    transaction.commit().await.expect("commit");
    let found = back
        .index()
        .await
        .expect("index")
        .children()
        .await
        .expect("entries");
    assert_eq!(found, index.children().await.expect("entries"));
    assert!(back.verify().await.expect("verify").is_good());
}

#[tokio::test]
async fn compressed_archives_are_unpacked_within_a_limit() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("images.tar.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let plain = bytes(&builder()).await;
    encoder.write_all(&plain).expect("in memory");
    let compressed = encoder.finish().expect("in memory");
    fs::write(&path, &compressed).expect("write");
    let archive = LayoutArchive::open(&path).await.expect("open");
    assert!(archive.verify().await.expect("verify").is_good());
    LayoutArchive::open_with(&path, plain.len() as u64)
        .await
        .expect("just enough");
    let error = LayoutArchive::open_with(&path, plain.len() as u64 - 1)
        .await
        .expect_err("too large");
    assert!(
        matches!(error, Error::Archive(wharf_archive::Error::Unpack { .. })),
        "{error:?}"
    );
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![0; 17 << 20]).expect("in memory");
    fs::write(&path, bomb.finish().expect("in memory")).expect("write");
    let limits = DecompressLimits::default().with_max_ratio(100);
    let error = LayoutArchive::open_within(&path, limits)
        .await
        .expect_err("swells");
    let Error::Archive(wharf_archive::Error::Unpack { source, .. }) = error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(*source, wharf_v1::Error::Swells { ratio: 100 }),
        "{source:?}"
    );
    fs::write(&path, &compressed[..compressed.len() / 2]).expect("write");
    let error = LayoutArchive::open(&path).await.expect_err("torn");
    assert!(
        matches!(error, Error::Archive(wharf_archive::Error::Unpack { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_no_layout_is_refused() {
    async fn check(path: &Path, entries: &[(&str, &str)], want: &str) {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, content) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, content.as_bytes())
                .expect("in memory");
        }
        fs::write(path, tar.into_inner().expect("in memory")).expect("write");
        let error = LayoutArchive::open(path).await.expect_err(want);
        assert!(error.to_string().contains(want), "{error}");
    }
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("archive.tar");
    check(&path, &[], "index.json not found").await;
    check(
        &path,
        &[
            ("oci-layout", r#"{"imageLayoutVersion":"2.0.0"}"#),
            ("index.json", "{}"),
        ],
        "version \"2.0.0\"",
    )
    .await;
    check(&path, &[("oci-layout", "x"), ("index.json", "{}")], "parsing").await;
    check(
        &path,
        &[(
            "index.json",
            r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#,
        )],
        "parsing",
    )
    .await;
    fs::write(&path, "no tar").expect("write");
    LayoutArchive::open(&path).await.expect_err("no tar");
    assert!(
        LayoutArchive::open(dir.path().join("none"))
            .await
            .expect_err("missing")
            .is_not_found()
    );
}

#[tokio::test]
async fn damage_is_found_and_not_handed_out() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("images.tar");
    let layer = TestLayer::new("a layer of this very text", Behaviour::Good);
    let builder = ArchiveBuilder::new().with_image(Arc::new(image(&[Arc::clone(&layer)])), &named("a"));
    let mut archive = bytes(&builder).await;
    let at = archive
        .windows(10)
        .position(|window| window == b"a layer of")
        .expect("there");
    archive[at] = b'A';
    fs::write(&path, &archive).expect("write");
    let archive = LayoutArchive::open(&path).await.expect("open");
    let found = archive.verify().await.expect("verify").damaged;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, *layer.real_descriptor().digest());
    let image = &archive.images().await.expect("images")[0];
    let layers = image.layers().await.expect("layers");
    layers[0]
        .compressed()
        .await
        .expect("opens")
        .collect(100)
        .await
        .expect_err("damaged");
}

#[tokio::test]
async fn layers_that_do_not_keep_their_promise_leave_no_file() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("images.tar");
    fs::write(&path, "before").expect("write");
    for behaviour in [
        Behaviour::Breaks,
        Behaviour::Lies,
        Behaviour::Short,
        Behaviour::Long,
        Behaviour::Streamed,
    ] {
        let layers = [TestLayer::new("some content", behaviour)];
        let builder = ArchiveBuilder::new().with_image(Arc::new(image(&layers)), &named("a"));
        builder.write_file(&path).await.expect_err("broken");
        assert_eq!(
            fs::read_to_string(&path).expect("read"),
            "before",
            "{behaviour:?}"
        );
        assert_eq!(
            fs::read_dir(dir.path()).expect("readable").count(),
            1,
            "{behaviour:?}"
        );
        builder.write(&mut Vec::new()).await.expect_err("broken");
    }
}

#[tokio::test]
async fn what_is_nested_is_found_in_an_archive_too() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("images.tar");
    builder().write_file(&path).await.expect("written");
    let index = LayoutArchive::open(&path).await.expect("open").index();
    assert_eq!(index.find(&Matcher::any()).await.expect("find").len(), 5);
    let wanted = random::index(2, 2, 2, 500).children().await.expect("children")[1]
        .digest()
        .clone();
    let Some(Child::Image(found)) = index
        .open(&Matcher::digests([wanted.clone()]))
        .await
        .expect("open")
    else {
        panic!("an image")
    };
    assert_eq!(*found.descriptor().await.expect("descriptor").digest(), wanted);
}
