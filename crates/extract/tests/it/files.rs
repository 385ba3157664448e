//! Files listed and read.

use std::sync::Arc;

use wharf_extract::{Error, ExtractOptions, FileKind, Files, FilesOptions, files, read};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::StaticLayer;
use wharf_v1::{Image, sha256};

use crate::layers::{Stack, Tar};

fn image() -> Arc<dyn Image> {
    Arc::new(Stack(vec![
        Tar::new()
            .dir("etc/", 0o755)
            .file("etc/old", "gone")
            .file("etc/name", "first")
            .file("usr/lib/os-release", "ID=test\n")
            .symlink("etc/os-release", "../usr/lib/os-release")
            .layer(),
        Tar::new()
            .mark("etc/.wh.old")
            .file("etc/name", "second")
            .link("etc/again", "etc/name")
            .layer(),
    ]))
}

async fn list() -> Files {
    files(image(), &FilesOptions::new().with_digests())
        .await
        .expect("a filesystem")
}

async fn text(path: &str) -> Result<String, Error> {
    let content = read(image(), path, &ExtractOptions::new()).await?;
    let bytes = content.collect(1 << 20).await.expect("content");
    Ok(String::from_utf8(bytes.to_vec()).expect("text"))
}

#[tokio::test]
async fn what_counts_is_listed() {
    let files = list().await;
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "etc",
            "etc/again",
            "etc/name",
            "etc/os-release",
            "usr/lib/os-release"
        ]
    );
    let name = files.get("/etc/name").expect("a file");
    assert_eq!((name.kind, name.size, name.mode), (FileKind::File, 6, 0o644));
    assert_eq!(name.digest.as_ref(), Some(&sha256("second")));
    let link = files.get("etc/os-release").expect("a link");
    assert_eq!(
        (link.kind, link.link.as_deref()),
        (FileKind::Symlink, Some("../usr/lib/os-release"))
    );
    let link = files.get("etc/again").expect("a link");
    assert_eq!(
        (link.kind, link.link.as_deref()),
        (FileKind::HardLink, Some("etc/name"))
    );
    assert!(files.get("etc/old").is_none());
}

#[tokio::test]
async fn files_are_read_by_any_path() {
    assert_eq!(text("etc/name").await.expect("there"), "second");
    assert_eq!(text("/etc/../etc/name").await.expect("there"), "second");
    assert_eq!(text("/etc/os-release").await.expect("there"), "ID=test\n");
    assert_eq!(text("etc/again").await.expect("there"), "second");
    assert!(matches!(text("etc").await, Err(Error::NotFile { .. })));
    assert!(matches!(text("etc/old").await, Err(Error::NoSuchFile { .. })));
}

#[tokio::test]
async fn of_two_entries_in_a_layer_the_last_counts() {
    let image =
        || -> Arc<dyn Image> { Arc::new(Stack(vec![Tar::new().file("a", "one").file("a", "two!").layer()])) };
    let files = files(image(), &FilesOptions::new()).await.expect("a filesystem");
    assert_eq!(files.get("a").map(|file| file.size), Some(4));
    let content = read(image(), "a", &ExtractOptions::new()).await.expect("there");
    assert_eq!(content.collect(10).await.expect("content"), "two!");
}

#[tokio::test]
async fn what_is_damaged_is_not_listed() {
    let broken = StaticLayer::new(vec![b'x'; 1024], MediaType::ImageLayer);
    let image = Stack(vec![Tar::new().file("a", "one").layer(), Arc::new(broken)]);
    let error = files(Arc::new(image), &FilesOptions::new())
        .await
        .expect_err("damaged");
    assert!(matches!(error, Error::NotTar { position: 1, .. }), "{error:?}");
}
