//! The formats of an archive besides the default, and archives that are compressed.

use std::io::Read as _;
use std::sync::Arc;

use wharf_tarball::{
    Archive, ArchiveError, Error, Format, ReadOptions, TaggedImage, WriteOptions, calculate_size, write,
    write_file,
};
use wharf_v1::{Image, ImageExt as _, conformance, empty, sha256};

use crate::support::{docker_image, gzipped, image_of, layer, tar_of};

fn tagged(image: impl Image, tags: &[&str]) -> TaggedImage {
    tags.iter().fold(TaggedImage::new(Arc::new(image)), |image, tag| {
        image.with_repo_tag(*tag)
    })
}

async fn written(images: &[TaggedImage], format: Format) -> Vec<u8> {
    let options = WriteOptions::new().with_format(format);
    let mut bytes = Vec::new();
    let size = write(images, &mut bytes, &options).await.expect("written");
    assert_eq!(size, bytes.len() as u64);
    assert_eq!(calculate_size(images, &options).await.expect("size"), size);
    bytes
}

fn entries(archive: &[u8]) -> Vec<(String, String)> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("a tar");
    let entries = entries.map(|entry| {
        let mut entry = entry.expect("valid");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("readable");
        let name = entry.path().expect("text").display().to_string();
        (name, String::from_utf8_lossy(&content).into_owned())
    });
    entries.collect()
}

fn content<'a>(entries: &'a [(String, String)], name: &str) -> &'a str {
    &entries.iter().find(|(found, _)| found == name).expect("there").1
}

const ALL: [Format; 3] = [Format::Docker, Format::DockerWithOci, Format::Legacy];

#[tokio::test]
async fn each_format_is_read_back_conforms_and_is_in_order() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("images.tar");
    let (one, two) = (docker_image(1, 3).await, docker_image(2, 2).await);
    for format in ALL {
        let images = [
            tagged(one.clone(), &["b:1", "a:2"]),
            tagged(two.clone(), &["c:1"]),
        ];
        let turned = [
            tagged(two.clone(), &["c:1"]),
            tagged(one.clone(), &["b:1", "a:2"]),
        ];
        let bytes = written(&images, format).await;
        assert_eq!(bytes, written(&turned, format).await, "{format:?}");
        let options = WriteOptions::new().with_format(format);
        write_file(&images, &path, &options).await.expect("written");
        assert_eq!(std::fs::read(&path).expect("read"), bytes, "{format:?}");

        let archive = Archive::open(&path).await.expect("open");
        for (tag, want) in [("a:2", &one), ("b:1", &one), ("c:1", &two)] {
            let image = archive
                .image(Some(&tag.parse().expect("a tag")))
                .await
                .expect("found");
            assert_eq!(
                image.config().await.expect("config").raw(),
                want.config().await.expect("config").raw()
            );
            if format != Format::Legacy {
                assert_eq!(
                    image.digest().await.expect("digest"),
                    want.digest().await.expect("digest")
                );
            }
            conformance::image(image).await;
        }
    }
}

#[tokio::test]
async fn images_without_layers_are_written_in_each_format() {
    for format in ALL {
        let bytes = written(&[tagged(empty::image(), &["a:1"])], format).await;
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("image.tar");
        std::fs::write(&path, bytes).expect("write");
        let image = Archive::open(&path)
            .await
            .expect("open")
            .image(None)
            .await
            .expect("image");
        assert_eq!(
            image.digest().await.expect("digest"),
            empty::image().digest().await.expect("digest")
        );
    }
}

#[tokio::test]
async fn the_modern_format_is_a_layout_too() {
    let image = docker_image(1, 2).await;
    let archive = written(
        &[
            tagged(image.clone(), &["ubuntu:22.04", "ghcr.io/a/b:v1"]),
            tagged(docker_image(2, 1).await, &[]),
        ],
        Format::DockerWithOci,
    )
    .await;
    let entries = entries(&archive);
    let names: Vec<_> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(
        names[names.len() - 3..],
        ["index.json", "manifest.json", "oci-layout"]
    );
    let digest = image.digest().await.expect("digest");
    let manifest = image.manifest().await.expect("manifest");
    assert_eq!(
        content(&entries, &format!("blobs/sha256/{}", digest.digest())).as_bytes(),
        manifest.raw()
    );
    let index: serde_json::Value = serde_json::from_str(content(&entries, "index.json")).expect("JSON");
    let listed: Vec<_> = index["manifests"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            let annotations = &entry["annotations"];
            (
                annotations["io.containerd.image.name"].as_str(),
                annotations["org.opencontainers.image.ref.name"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        listed,
        [
            (None, None),
            (Some("docker.io/library/ubuntu:22.04"), Some("22.04")),
            (Some("ghcr.io/a/b:v1"), Some("v1")),
        ]
    );
    let records: serde_json::Value = serde_json::from_str(content(&entries, "manifest.json")).expect("JSON");
    assert_eq!(records[1]["LayerSources"].as_object().expect("a map").len(), 2);
    assert!(
        records[1]["Config"]
            .as_str()
            .expect("text")
            .starts_with("blobs/sha256/")
    );
}

#[tokio::test]
async fn the_legacy_format_has_a_directory_for_each_layer() {
    let tar = tar_of("file", b"1");
    let shared = layer(gzipped(&tar), crate::support::DOCKER_GZIP);
    let top = layer(gzipped(&tar_of("other", b"2")), crate::support::DOCKER_GZIP);
    let image = image_of(vec![shared.clone(), top.clone()]).await;
    let below = image_of(vec![shared.clone(), shared.clone(), top.clone()]).await;
    let config = image.config().await.expect("config");
    let archive = written(
        &[
            tagged(image, &["app:v1", "localhost:5000/app:v2"]),
            tagged(below, &[]),
        ],
        Format::Legacy,
    )
    .await;
    let entries = entries(&archive);
    let bottom_id = sha256(format!("{} ", shared.0.digest().digest()))
        .digest()
        .to_owned();
    let mut text = format!("{} {bottom_id} ", top.0.digest().digest()).into_bytes();
    text.extend_from_slice(config.raw());
    let top_id = sha256(text).digest().to_owned();
    assert_eq!(content(&entries, &format!("{bottom_id}/VERSION")), "1.0");
    assert_eq!(
        content(&entries, &format!("{bottom_id}/layer.tar")).as_bytes(),
        tar
    );
    assert_eq!(
        content(&entries, &format!("{bottom_id}/json")),
        format!(
            r#"{{"architecture":"","created":"0001-01-01T00:00:00Z","os":"","rootfs":{{"type":"","diff_ids":null}},"config":{{}},"container_config":{{"Cmd":[""]}},"id":"{bottom_id}"}}"#
        )
    );
    assert_eq!(
        content(&entries, &format!("{top_id}/json")),
        format!(
            r#"{{"architecture":"amd64","created":"0001-01-01T00:00:00Z","os":"linux","rootfs":{{"type":"","diff_ids":null}},"config":{{}},"container_config":{{"Cmd":[""]}},"id":"{top_id}","parent":"{bottom_id}"}}"#
        )
    );
    assert_eq!(
        content(&entries, "repositories"),
        format!(r#"{{"app":{{"v1":"{top_id}"}},"localhost:5000/app":{{"v2":"{top_id}"}}}}"#)
    );
    let shared = entries
        .iter()
        .filter(|(name, _)| *name == format!("{bottom_id}/layer.tar"));
    assert_eq!(shared.count(), 1, "equal layers on equal ones are stored once");
}

#[tokio::test]
async fn the_legacy_format_tells_each_layers_history() {
    async fn check(history: &str, want: Result<&str, &str>) {
        let layer = layer(gzipped(&tar_of("file", b"1")), crate::support::DOCKER_GZIP);
        let diff_id = layer.1.diff_id().await.expect("diff_id");
        let raw = format!(
            r#"{{"created":"2024-01-02T03:04:05Z","history":{history},"os":"linux","rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}},"config":{{"User":"u"}}}}"#
        );
        let config = wharf_v1::Config::new(raw, "application/vnd.docker.container.image.v1+json".into());
        let plain = image_of(vec![layer.clone()]).await;
        let manifest = plain.manifest().await.expect("manifest");
        let descriptor = config.descriptor();
        let manifest = manifest.edit(|manifest| {
            manifest.set_config(descriptor);
        });
        let image = wharf_v1::partial::AssembledImage::new(manifest.expect("edited"), config, vec![layer.1])
            .expect("aligned");
        let options = WriteOptions::new().with_format(Format::Legacy);
        let mut bytes = Vec::new();
        match (
            write(&[tagged(image, &["a:1"])], &mut bytes, &options).await,
            want,
        ) {
            (Ok(_), Ok(want)) => {
                let entries = entries(&bytes);
                let json = &entries
                    .iter()
                    .find(|(name, _)| name.ends_with("/json"))
                    .expect("there")
                    .1;
                assert!(json.contains(want), "{json}");
            }
            (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{error}"),
            (got, want) => panic!("{got:?}, want {want:?}"),
        }
    }
    let one = r#"[{"created":"2020-01-01T00:00:00Z","author":"me","created_by":"RUN \"x\"","comment":"c"},{"created":"2020-01-01T00:00:00Z","empty_layer":true}]"#;
    check(one, Ok(r#""author":"me","created":"2024-01-02T03:04:05Z""#)).await;
    check(
        one,
        Ok(r#""config":{"User":"u"},"container_config":{"Cmd":["RUN \"x\""]}"#),
    )
    .await;
    check(one, Ok(r#""comment":"c"}"#)).await;
    check("[]", Ok(r#""Cmd":[""]"#)).await;
    check("null", Ok(r#""Cmd":[""]"#)).await;
    check(r#"[{},{}]"#, Err("got len(history)=2, len(layers)=1")).await;
}

#[tokio::test]
async fn compressed_archives_are_unpacked_within_a_limit() {
    let image = docker_image(1, 2).await;
    let plain = written(&[tagged(image.clone(), &["a:1"])], Format::Docker).await;
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("image.tar.x");
    let compressed = [
        gzipped(&plain),
        zstd::encode_all(&plain[..], 1).expect("in memory"),
    ];
    for bytes in compressed {
        std::fs::write(&path, &bytes).expect("write");
        let archive = Archive::open(&path).await.expect("open");
        let found = archive.image(None).await.expect("image");
        assert_eq!(
            found.digest().await.expect("digest"),
            image.digest().await.expect("digest")
        );
        let limit = ReadOptions::new().with_unpacked_limit(plain.len() as u64 - 1);
        let error = Archive::open_with(&path, &limit).await.expect_err("too large");
        assert!(
            matches!(error, Error::Archive(ArchiveError::Unpack { .. })),
            "{error:?}"
        );
        let ratio = ReadOptions::new().with_unpacked_ratio(1);
        Archive::open_with(&path, &ratio)
            .await
            .expect("too small to count");
        std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("write");
        let error = Archive::open(&path).await.expect_err("torn");
        assert!(
            matches!(error, Error::Archive(ArchiveError::Unpack { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn archives_that_swell_are_not_unpacked() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("image.tar.gz");
    std::fs::write(&path, gzipped(&vec![0; 17 << 20])).expect("write");
    let error = Archive::open(&path).await.expect_err("empty");
    assert!(
        matches!(error, Error::Archive(ArchiveError::FileNotFound { .. })),
        "{error:?}"
    );
    let options = ReadOptions::new().with_unpacked_ratio(20);
    let error = Archive::open_with(&path, &options).await.expect_err("swells");
    let source = std::error::Error::source(&error).expect("a cause").to_string();
    assert_eq!(source, "content swells to more than 20 times its compressed size");
}
