//! What is read from archives, of other tools too, and what is refused.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use wharf_tarball::{Archive, Error, TaggedImage, WriteOptions, write_file};
use wharf_v1::oci_spec::image::DigestAlgorithm;
use wharf_v1::{Hasher, Image as _, ImageExt as _, Layer as _, conformance, sha256};

use crate::support::{append, append_link, config_of, docker_image, gzipped, tar_of};

const GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// Opens an archive with these bytes.
async fn open(bytes: impl AsRef<[u8]>) -> Result<Archive, Error> {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("archive.tar");
    fs::write(&path, bytes).expect("write");
    // It is open now, and needs its name no more.
    Archive::open(&path).await
}

/// An archive of one image with these layers.
fn archive_of(layers: &[(&str, &[u8])], diff_ids: &[&[u8]], more: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let diff_ids: Vec<_> = diff_ids.iter().map(sha256).collect();
    append(&mut tar, "config.json", &config_of(&diff_ids));
    for (name, content) in layers {
        append(&mut tar, name, content);
    }
    let names: Vec<_> = layers.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let manifest = format!(
        r#"[{{"Config":"config.json","Parent":"unknown","RepoTags":["app:v1"],"Layers":[{}]{more}}}]"#,
        names.join(",")
    );
    append(&mut tar, "manifest.json", manifest.as_bytes());
    tar.into_inner().expect("in memory")
}

async fn save(path: &Path, images: &[TaggedImage]) -> Archive {
    write_file(images, path, &WriteOptions::new())
        .await
        .expect("write");
    Archive::open(path).await.expect("open")
}

#[tokio::test]
async fn a_saved_image_comes_back_with_its_digest() {
    let dir = tempfile::tempdir().expect("temp dir");
    let image = docker_image(1, 3).await;
    let tagged = TaggedImage::new(Arc::new(image.clone())).with_repo_tag("app:v1");
    let archive = save(&dir.path().join("a.tar"), &[tagged]).await;
    for tag in [None, Some("app:v1"), Some("docker.io/library/app:v1")] {
        let tag = tag.map(|tag| tag.parse().expect("a tag"));
        let back = archive.image(tag.as_ref()).await.expect("image");
        assert_eq!(
            back.manifest().await.expect("manifest").raw(),
            image.manifest().await.expect("manifest").raw()
        );
        for layer in back.layers().await.expect("layers") {
            conformance::layer(layer).await;
        }
        conformance::image(back).await;
    }
}

#[tokio::test]
async fn images_are_found_by_their_names() {
    let dir = tempfile::tempdir().expect("temp dir");
    let (one, two) = (docker_image(1, 1).await, docker_image(2, 1).await);
    let images = [
        TaggedImage::new(Arc::new(one.clone()))
            .with_repo_tag("ubuntu:latest")
            .with_repo_tag("gcr.io/a/b:v1"),
        TaggedImage::new(Arc::new(two.clone())).with_repo_tag("test_image_2:latest"),
    ];
    let archive = save(&dir.path().join("a.tar"), &images).await;
    for (tag, want) in [
        ("ubuntu", &one),
        ("ubuntu:latest", &one),
        ("index.docker.io/library/ubuntu:latest", &one),
        ("gcr.io/a/b:v1", &one),
        ("test_image_2", &two),
    ] {
        let found = archive
            .image(Some(&tag.parse().expect("a tag")))
            .await
            .expect(tag);
        assert_eq!(
            found.digest().await.expect("digest"),
            want.digest().await.expect("digest"),
            "{tag}"
        );
    }
    let error = archive
        .image(Some(&"ubuntu:other".parse().expect("a tag")))
        .await
        .expect_err("no such tag");
    assert_eq!(error.to_string(), "tag ubuntu:other not found in tarball");
    let error = archive.image(None).await.expect_err("two images");
    assert_eq!(
        error.to_string(),
        "tarball must contain only a single image to be used with tarball.Image"
    );
    assert_eq!(archive.images().await.expect("images").len(), 2);
    let tags: Vec<_> = archive.repo_tags().map(<[String]>::to_vec).collect();
    assert_eq!(
        tags,
        [
            vec!["test_image_2:latest".to_owned()],
            vec!["ubuntu:latest".to_owned(), "gcr.io/a/b:v1".to_owned()]
        ]
    );
}

#[tokio::test]
async fn layers_get_the_types_that_they_have() {
    let tar = tar_of("a", &b"content".repeat(1000));
    let (gz, zst) = (gzipped(&tar), zstd::encode_all(&tar[..], 1).expect("in memory"));
    let layers: [(&str, &[u8]); 3] = [("a/layer.tar", &tar), ("b/layer.tar", &gz), ("c/layer.tar", &zst)];
    let archive = open(archive_of(&layers, &[&tar, &tar, &tar], ""))
        .await
        .expect("open");
    let image = archive.image(None).await.expect("image");
    assert_eq!(
        image.media_type().to_string(),
        "application/vnd.docker.distribution.manifest.v2+json"
    );
    let layers = image.layers().await.expect("layers");
    let types: Vec<_> = layers
        .iter()
        .map(|layer| layer.media_type().to_string())
        .collect();
    assert_eq!(types, [GZIP, GZIP, "application/vnd.oci.image.layer.v1.tar+zstd"]);
    for (layer, stored) in layers.iter().zip([None, Some(&gz), Some(&zst)]) {
        assert_eq!(layer.diff_id().await.expect("diff_id"), sha256(&tar));
        let bytes = layer
            .compressed()
            .await
            .expect("open")
            .collect(1 << 20)
            .await
            .expect("read");
        assert!(stored.is_none_or(|stored| *stored == bytes));
        assert_eq!(
            layer
                .uncompressed()
                .await
                .expect("open")
                .collect(1 << 20)
                .await
                .expect("read"),
            tar
        );
    }
    conformance::image(image).await;
}

#[tokio::test]
async fn links_lead_to_layers() {
    let tar_bytes = tar_of("a", b"1");
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, "one/layer.tar", &tar_bytes);
    append_link(
        &mut tar,
        tar::EntryType::Symlink,
        "two/layer.tar",
        "../one/layer.tar",
    );
    // Hard links are seen from the root.
    append_link(&mut tar, tar::EntryType::Link, "three/layer.tar", "one/layer.tar");
    append(
        &mut tar,
        "./config.json",
        &config_of(&[sha256(&tar_bytes), sha256(&tar_bytes), sha256(&tar_bytes)]),
    );
    append(&mut tar, "./manifest.json", b"[]");
    // The last of one name counts.
    let manifest = r#"[{"Config":"config.json","RepoTags":null,"Layers":["one/layer.tar","two/layer.tar","three/layer.tar"]}]"#;
    append(&mut tar, "manifest.json", manifest.as_bytes());
    let archive = open(tar.into_inner().expect("in memory")).await.expect("open");
    let image = archive.image(None).await.expect("image");
    for layer in image.layers().await.expect("layers") {
        assert_eq!(
            layer
                .uncompressed()
                .await
                .expect("open")
                .collect(1 << 20)
                .await
                .expect("read"),
            tar_bytes
        );
    }
}

#[tokio::test]
async fn link_cycles_end() {
    let mut tar = tar::Builder::new(Vec::new());
    append_link(&mut tar, tar::EntryType::Symlink, "manifest.json", "config.json");
    append_link(&mut tar, tar::EntryType::Symlink, "config.json", "manifest.json");
    let error = open(tar.into_inner().expect("in memory"))
        .await
        .expect_err("a cycle");
    assert_eq!(error.to_string(), "link cycle detected for manifest.json");
}

#[tokio::test]
async fn docker_25_archives_are_read() {
    let tar = tar_of("a", b"1");
    let diff_id = sha256(&tar);
    let more = format!(
        r#","LayerSources":{{"{diff_id}":{{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":{},"digest":"{diff_id}"}}}}"#,
        tar.len()
    );
    let archive = open(archive_of(&[("blobs/sha256/x", &tar)], &[&tar], &more))
        .await
        .expect("open");
    let image = archive.image(None).await.expect("image");
    assert_eq!(
        image.layers().await.expect("layers")[0].media_type().to_string(),
        GZIP
    );
    conformance::image(image).await;
}

#[tokio::test]
async fn a_compressed_layer_has_the_type_that_is_said_of_its_very_bytes() {
    let tar = tar_of("a", b"1");
    let gz = gzipped(&tar);
    let oci = "application/vnd.oci.image.layer.v1.tar+gzip";
    for (digest, size, want) in [
        (sha256(&gz), gz.len(), oci),
        (sha256(&tar), gz.len(), GZIP),
        (sha256(&gz), tar.len(), GZIP),
    ] {
        let more = format!(
            r#","LayerSources":{{"{}":{{"mediaType":"{oci}","size":{size},"digest":"{digest}"}}}}"#,
            sha256(&tar)
        );
        let archive = open(archive_of(&[("l", &gz)], &[&tar], &more))
            .await
            .expect("open");
        let image = archive.image(None).await.expect("image");
        let layers = image.layers().await.expect("layers");
        assert_eq!(layers[0].media_type().to_string(), want);
    }
}

#[tokio::test]
async fn what_is_no_archive_is_refused() {
    async fn check(bytes: &[u8], want: &str) {
        let error = open(bytes).await.expect_err(want);
        assert_eq!(error.to_string(), want);
    }
    let whole = archive_of(&[("layer.tar", &tar_of("a", b"1"))], &[&tar_of("a", b"1")], "");
    check(b"", "file manifest.json not found in tar").await;
    check(b"not a tar", "unexpected EOF").await;
    check(&b"not a tar".repeat(1000), "invalid tar header").await;
    check(&whole[..2000], "unexpected EOF").await;
    check(b"\x1f\x8bnot gzip", "unpacking archive compressed with gzip").await;
    check(&tar_of("a", b"1"), "file manifest.json not found in tar").await;
    check(
        &tar_of("manifest.json", b"null"),
        "no valid manifest.json in tarball",
    )
    .await;
    check(&tar_of("manifest.json", b"[{}]"), "parsing manifest.json").await;
    check(&tar_of("manifest.json", b"{"), "parsing manifest.json").await;
    let error = Archive::open("/missing/archive.tar").await.expect_err("missing");
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "open /missing/archive.tar");
}

/// A diff_id is compared by its own algorithm.
#[tokio::test]
async fn diff_ids_of_other_algorithms_are_held_to() {
    let tar = tar_of("a", b"1");
    let digest = |bytes: &[u8]| {
        let mut hasher = Hasher::new(&DigestAlgorithm::Sha512).expect("known");
        hasher.update(bytes);
        hasher.finish()
    };
    let archive = |diff_id| {
        let mut archive = tar::Builder::new(Vec::new());
        append(&mut archive, "c", &config_of(&[diff_id]));
        append(&mut archive, "l", &tar);
        let manifest = br#"[{"Config":"c","RepoTags":null,"Layers":["l"]}]"#;
        append(&mut archive, "manifest.json", manifest);
        archive.into_inner().expect("in memory")
    };
    let good = open(archive(digest(&tar))).await.expect("open");
    good.image(None).await.expect("its diff_id is right");
    let bad = open(archive(digest(b"other"))).await.expect("open");
    let error = bad.image(None).await.expect_err("another diff_id");
    assert!(
        matches!(&error, Error::DiffId { got, .. } if *got == digest(&tar)),
        "{error:?}"
    );
}

#[tokio::test]
async fn images_that_do_not_fit_together_are_refused() {
    async fn check(archive: Vec<u8>, want: &str) {
        let error = open(archive)
            .await
            .expect("open")
            .image(None)
            .await
            .expect_err(want);
        assert!(error.to_string().contains(want), "{error}");
    }
    let tar = tar_of("a", b"1");
    let layers: [(&str, &[u8]); 1] = [("layer.tar", &tar)];
    check(
        archive_of(&layers, &[], ""),
        "tarball manifest references 1 layer(s) but config has 0 rootfs.diff_ids",
    )
    .await;
    check(
        archive_of(&[], &[&tar], ""),
        "config has 1 rootfs.diff_ids but tarball manifest only references 0 layer(s)",
    )
    .await;
    check(
        archive_of(&layers, &[b"other"], ""),
        "layer layer.tar has diff_id",
    )
    .await;
    check(tar_of("manifest.json", b"[]"), "must contain only a single image").await;
    check(
        tar_of("manifest.json", br#"[{"Config":"c","RepoTags":[],"Layers":[]}]"#),
        "file c not found in tar",
    )
    .await;
    let mut tar = tar::Builder::new(Vec::new());
    append(
        &mut tar,
        "manifest.json",
        br#"[{"Config":"c","RepoTags":[],"Layers":null}]"#,
    );
    append_link(&mut tar, tar::EntryType::Directory, "c", "");
    check(
        tar.into_inner().expect("in memory"),
        "c in tar is not a regular file",
    )
    .await;
    check(
        {
            let mut tar = tar::Builder::new(Vec::new());
            append(
                &mut tar,
                "c",
                b"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"../../x\"]}}",
            );
            append(
                &mut tar,
                "manifest.json",
                br#"[{"Config":"c","RepoTags":[],"Layers":["l"]}]"#,
            );
            tar.into_inner().expect("in memory")
        },
        "cannot parse digest",
    )
    .await;
}

#[tokio::test]
async fn an_archive_that_changes_later_is_noticed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("a.tar");
    let tar = tar_of("a", b"1");
    let gz = gzipped(&tar);
    let bytes = archive_of(&[("layer.tar", &gz)], &[&tar], "");
    fs::write(&path, &bytes).expect("write");
    let image = Archive::open(&path)
        .await
        .expect("open")
        .image(None)
        .await
        .expect("image");
    let at = bytes
        .windows(gz.len())
        .position(|window| window == gz)
        .expect("the layer");
    let mut damaged = bytes.clone();
    damaged[at + 20] ^= 1;
    fs::write(&path, &damaged).expect("write");
    let layer = image.layers().await.expect("layers").remove(0);
    layer
        .compressed()
        .await
        .expect("open")
        .collect(1 << 20)
        .await
        .expect_err("other bytes");
}
