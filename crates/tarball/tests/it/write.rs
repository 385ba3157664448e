//! The bytes of archives, and what is left when writing one fails.

use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;
use wharf_tarball::{Archive, ArchiveError, Error, TaggedImage, WriteOptions, write, write_file};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::{Image, ImageExt as _, Layer as _, empty, random};

use crate::support::{DOCKER_GZIP, Unreliable, docker_image, gzipped, image_of, layer, tar_of};

fn tagged(image: impl Image, tags: &[&str]) -> TaggedImage {
    tags.iter().fold(TaggedImage::new(Arc::new(image)), |image, tag| {
        image.with_repo_tag(*tag)
    })
}

/// Writes the archive in every way there is; all must come out the same.
async fn written(images: &[TaggedImage]) -> Vec<u8> {
    let mut first: Option<Vec<u8>> = None;
    for read_ahead in [0, 1, 7] {
        let mut bytes = Vec::new();
        let options = WriteOptions::new().with_read_ahead(read_ahead);
        let size = write(images, &mut bytes, &options).await.expect("write");
        assert_eq!(size, bytes.len() as u64);
        assert_eq!(
            first.get_or_insert_with(|| bytes.clone()),
            &bytes,
            "read ahead {read_ahead}"
        );
    }
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("archive.tar");
    for jobs in [1, 8] {
        let options = WriteOptions::new().with_jobs(NonZeroUsize::new(jobs).expect("not zero"));
        let size = write_file(images, &path, &options).await.expect("write");
        let bytes = fs::read(&path).expect("read");
        assert_eq!(size, bytes.len() as u64);
        assert_eq!(first.as_ref(), Some(&bytes), "{jobs} jobs");
    }
    first.expect("written")
}

/// Names and contents of an archive, and a check of what all headers have in common.
fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("fresh").map(|entry| {
        let mut entry = entry.expect("valid");
        let header = entry.header();
        assert!(header.as_ustar().is_some());
        let numbers = [header.uid(), header.gid(), header.mtime()].map(|number| number.expect("a number"));
        assert_eq!((numbers, header.mode().expect("mode")), ([0; 3], 0o644));
        let name = String::from_utf8(entry.path_bytes().into_owned()).expect("text");
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).expect("readable");
        (name, content)
    });
    entries.collect()
}

#[tokio::test]
async fn the_config_comes_first_and_the_manifest_last() {
    let image = docker_image(1, 3).await;
    let archive = written(&[tagged(image.clone(), &["app:v1", "app:v2"])]).await;
    let entries = entries(&archive);
    let mut names = vec![image.config().await.expect("config").digest().to_string()];
    let mut want_layers = Vec::new();
    for layer in image.layers().await.expect("layers") {
        let name = format!(
            "{}.tar.gz",
            layer.descriptor().await.expect("descriptor").digest().digest()
        );
        names.push(name.clone());
        want_layers.push(format!("\"{name}\""));
    }
    names.push("manifest.json".to_owned());
    assert_eq!(
        entries.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(),
        names
    );
    assert_eq!(
        String::from_utf8(entries.last().expect("a manifest").1.clone()).expect("text"),
        format!(
            r#"[{{"Config":"{}","RepoTags":["app:v1","app:v2"],"Layers":[{}]}}]"#,
            names[0],
            want_layers.join(",")
        )
    );
    let layers = image.layers().await.expect("layers");
    for ((_, content), layer) in entries[1..4].iter().zip(layers) {
        assert_eq!(
            *content,
            layer
                .compressed()
                .await
                .expect("open")
                .collect(1 << 20)
                .await
                .expect("read")
        );
    }
}

#[tokio::test]
async fn the_empty_image_has_the_bytes_other_tools_write() {
    let archive = written(&[tagged(empty::image(), &["empty:latest"])]).await;
    assert_eq!(archive.len(), 512 + 512 + 512 + 512 + 1024);
    let config = "sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe";
    let entries = entries(&archive);
    assert_eq!(entries[0].0, config);
    let want = format!(r#"[{{"Config":"{config}","RepoTags":["empty:latest"],"Layers":[]}}]"#);
    assert_eq!(entries[1].1, want.as_bytes());
    assert!(archive.ends_with(&[0; 1024]));
}

#[tokio::test]
async fn an_image_without_a_name_has_null_for_one() {
    let archive = written(&[tagged(empty::image(), &[])]).await;
    let manifest = String::from_utf8(entries(&archive)[1].1.clone()).expect("text");
    assert!(manifest.contains(r#""RepoTags":null"#), "{manifest}");
}

#[tokio::test]
async fn the_order_in_which_images_are_given_makes_no_difference() {
    let images = [
        tagged(random::image(1, 1, 100), &["ubuntu:latest"]),
        tagged(random::image(2, 1, 100), &["gcr.io/baz/bat:latest"]),
        tagged(random::image(3, 1, 100), &[]),
    ];
    let archive = written(&images).await;
    let [a, b, c] = images;
    assert_eq!(written(&[c, b, a]).await, archive);
    let manifest = String::from_utf8(entries(&archive).pop().expect("a manifest").1).expect("text");
    let positions = ["null", "gcr.io/baz", "ubuntu"].map(|text| manifest.find(text).expect("there"));
    assert!(positions.is_sorted(), "{manifest}");
}

#[tokio::test]
async fn what_images_share_is_stored_once() {
    let shared = layer(gzipped(&tar_of("shared", b"1")), DOCKER_GZIP);
    let own = layer(gzipped(&tar_of("own", b"2")), DOCKER_GZIP);
    let one = image_of(vec![shared.clone()]).await;
    let two = image_of(vec![shared.clone(), own, shared]).await;
    let archive = written(&[
        tagged(one.clone(), &["a:1"]),
        tagged(two, &["b:1"]),
        tagged(one, &["c:1"]),
    ])
    .await;
    assert_eq!(
        entries(&archive).len(),
        2 + 2 + 1,
        "two configs, two layers, a manifest"
    );
}

#[tokio::test]
async fn extensions_follow_media_types() {
    let content = tar_of("a", b"1");
    let cases = [
        ("application/vnd.oci.image.layer.v1.tar", "tar"),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar", "tar"),
        ("application/vnd.docker.image.rootfs.diff.tar", "tar"),
        ("application/vnd.oci.image.layer.v1.tar+zstd", "tar.zst"),
        ("application/vnd.oci.image.layer.v1.tar+gzip", "tar.gz"),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", "tar.gz"),
        ("application/x-unknown", "tar.gz"),
    ];
    for (media_type, extension) in cases {
        let image = image_of(vec![layer(content.clone(), media_type)]).await;
        let archive = written(&[tagged(image, &["a:1"])]).await;
        let name = &entries(&archive)[1].0;
        assert_eq!(
            name.split_once('.').expect("an extension").1,
            extension,
            "{media_type}"
        );
    }
}

#[tokio::test]
async fn foreign_layers_keep_what_the_manifest_says_of_them() {
    let content = gzipped(&tar_of("a", b"1"));
    let (mut descriptor, foreign) = layer(
        content,
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    );
    descriptor.set_urls(Some(vec!["https://example.com/layer".to_owned()]));
    let image = image_of(vec![(descriptor.clone(), foreign)]).await;
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("archive.tar");
    write_file(&[tagged(image.clone(), &["a:1"])], &path, &WriteOptions::new())
        .await
        .expect("write");
    let back = Archive::open(&path)
        .await
        .expect("open")
        .image(None)
        .await
        .expect("image");
    assert_eq!(
        back.layers().await.expect("layers")[0]
            .descriptor()
            .await
            .expect("descriptor"),
        descriptor
    );
    assert_eq!(
        back.digest().await.expect("digest"),
        image.digest().await.expect("digest")
    );
}

#[tokio::test]
async fn one_open_blob_at_a_time_is_enough() {
    for tokens in [1, 4] {
        let tokens = Arc::new(Semaphore::new(tokens));
        let layers = (0..5u8).map(|n| {
            let content = Bytes::from(vec![n; 300_000]);
            Unreliable {
                content,
                breaks: false,
                tokens: Some(Arc::clone(&tokens)),
            }
            .pair()
        });
        let image = image_of(layers.collect()).await;
        assert_eq!(entries(&written(&[tagged(image, &["a:1"])]).await).len(), 7);
    }
}

#[tokio::test]
async fn a_failure_leaves_what_was_there() {
    let content = Bytes::from(vec![1; 100_000]);
    let broken = Unreliable {
        content: content.clone(),
        breaks: true,
        tokens: None,
    }
    .pair();
    let mut lying = layer(content, DOCKER_GZIP);
    lying.0.set_size(99_999);
    for bad in [broken, lying] {
        let image = image_of(vec![layer("good", DOCKER_GZIP), bad.clone()]).await;
        let images = [tagged(image, &["a:1"])];
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("archive.tar");
        let error = write_file(&images, &path, &WriteOptions::new())
            .await
            .expect_err("broken");
        assert!(
            matches!(&error, Error::Archive(ArchiveError::ReadLayer { digest, .. }) if digest == bad.0.digest()),
            "{error:?}"
        );
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0);

        fs::write(&path, "before").expect("write");
        write_file(&images, &path, &WriteOptions::new())
            .await
            .expect_err("broken");
        assert_eq!(fs::read(&path).expect("read"), b"before");
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 1);

        for read_ahead in [0, 1] {
            let options = WriteOptions::new().with_read_ahead(read_ahead);
            let error = write(&images, &mut Vec::new(), &options)
                .await
                .expect_err("broken");
            assert!(
                matches!(&error, Error::Archive(ArchiveError::ReadLayer { digest, .. }) if digest == bad.0.digest()),
                "{error:?}"
            );
        }
    }
}

#[tokio::test]
async fn places_that_cannot_be_written_are_named() {
    let dir = tempfile::tempdir().expect("temp dir");
    let images = [tagged(empty::image(), &["a:1"])];
    for path in [dir.path().to_owned(), dir.path().join("missing/archive.tar")] {
        let error = write_file(&images, &path, &WriteOptions::new())
            .await
            .expect_err("not a place");
        assert!(
            matches!(&error, Error::Archive(ArchiveError::Io { path: named, .. }) if *named == path),
            "{error:?}"
        );
    }
    assert!(matches!(
        write_file(&[], dir.path().join("x"), &WriteOptions::new()).await,
        Err(Error::Empty)
    ));
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_followed_and_pipes_are_written_to() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let dir = tempfile::tempdir().expect("temp dir");
    let images = [tagged(random::image(1, 2, 100_000), &["a:1"])];
    let want = written(&images).await;

    let (link, real) = (dir.path().join("link"), dir.path().join("real"));
    fs::write(&real, "before").expect("write");
    std::os::unix::fs::symlink(&real, &link).expect("link");
    write_file(&images, &link, &WriteOptions::new())
        .await
        .expect("write");
    assert!(link.is_symlink());
    assert_eq!(fs::read(&real).expect("read"), want);

    let pipe = dir.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("pipe");
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read(pipe).expect("read"))
    };
    write_file(&images, &pipe, &WriteOptions::new())
        .await
        .expect("write");
    assert_eq!(reader.join().expect("no panic"), want);
}

#[tokio::test]
async fn layers_that_are_streamed_are_refused() {
    // What is not known beforehand cannot be planned with.
    #[derive(Debug)]
    struct Streamed;
    impl Image for Streamed {
        fn media_type(&self) -> MediaType {
            MediaType::ImageManifest
        }
        fn descriptor(
            &self,
        ) -> futures_core::future::BoxFuture<'_, Result<wharf_v1::oci_spec::image::Descriptor, wharf_v1::Error>>
        {
            Box::pin(async { Err(wharf_v1::Error::NotComputed) })
        }
        fn manifest(
            &self,
        ) -> futures_core::future::BoxFuture<'_, Result<wharf_v1::Manifest, wharf_v1::Error>> {
            Box::pin(async { Err(wharf_v1::Error::NotComputed) })
        }
        fn config(&self) -> futures_core::future::BoxFuture<'_, Result<wharf_v1::Config, wharf_v1::Error>> {
            Box::pin(async { Err(wharf_v1::Error::NotComputed) })
        }
        fn layers(
            &self,
        ) -> futures_core::future::BoxFuture<'_, Result<Vec<Arc<dyn wharf_v1::Layer>>, wharf_v1::Error>>
        {
            Box::pin(async { Ok(Vec::new()) })
        }
    }
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("archive.tar");
    let error = write_file(&[tagged(Streamed, &[])], &path, &WriteOptions::new())
        .await
        .expect_err("unknown");
    assert!(
        matches!(error, Error::Content(wharf_v1::Error::NotComputed)),
        "{error:?}"
    );
    assert!(!path.exists());
}
