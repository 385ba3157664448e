//! What the garbage collector keeps, removes and tells.

use std::fs;
use std::path::Path;

use wharf_layout::{AppendOptions, CollectMode, Collected, Layout};
use wharf_v1::oci_spec::image::{Descriptor, Digest, MediaType};
use wharf_v1::{ByteStream, Image as _, Matcher, random, sha256};

use crate::support::{blob_path, files};

fn named(name: &str) -> AppendOptions {
    AppendOptions::new().with_ref_name(name)
}

async fn put(layout: &Layout, media_type: &str, content: impl Into<Vec<u8>>) -> Descriptor {
    let content = ByteStream::from_bytes(content.into());
    layout.add_blob(media_type.into(), content).await.expect("add")
}

async fn dry(layout: &Layout) -> Collected {
    layout
        .collect_garbage(CollectMode::DryRun)
        .await
        .expect("dry run")
}

fn digests(collected: &Collected) -> Vec<&Digest> {
    collected.blobs.iter().map(|(digest, _)| digest).collect()
}

fn json(descriptor: &Descriptor) -> String {
    crate::support::descriptor_json(descriptor)
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[tokio::test]
async fn what_is_listed_is_kept_and_a_stray_blob_is_found() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    layout
        .append_image(&random::image(1, 2, 100), &named("a"))
        .await
        .expect("append");
    layout
        .append_index(&random::index(2, 2, 2, 100), &named("b"))
        .await
        .expect("append");
    // Content of any type belongs to its manifest.
    let layer = put(&layout, "application/tar+gzip", "custom").await;
    let config = put(&layout, "application/vnd.unknown.config", "{}").await;
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
        json(&config),
        json(&layer)
    );
    let manifest = put(&layout, MANIFEST, manifest).await;
    layout.append_descriptor(manifest).await.expect("append");
    assert_eq!(digests(&dry(&layout).await), Vec::<&Digest>::new());

    let stray = put(&layout, "x/y", "nobody's").await;
    let before = files(dir.path());
    let collected = dry(&layout).await;
    assert_eq!(
        (digests(&collected), collected.bytes()),
        (vec![stray.digest()], 8)
    );
    assert_eq!(files(dir.path()), before, "a dry run removes nothing");
    let collected = layout
        .collect_garbage(CollectMode::Remove)
        .await
        .expect("collect");
    assert_eq!(digests(&collected), [stray.digest()]);
    assert_eq!(files(dir.path()).len(), before.len() - 1);
    assert!(layout.verify().await.expect("verify").is_good());
}

#[tokio::test]
async fn subjects_and_children_of_any_kind_are_kept_with_all_they_name() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    // A chain: the entry's subject is an image that nothing else lists, whose subject is another.
    let bottom = layout
        .append_image(&random::image(1, 1, 100), &named("bottom"))
        .await
        .expect("append");
    let config = put(&layout, "application/vnd.oci.empty.v1+json", "{}").await;
    let subject = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[],"subject":{}}}"#,
        json(&config),
        json(&bottom)
    );
    let subject = put(&layout, MANIFEST, subject).await;
    let layer = put(&layout, "application/spdx+json", "sbom").await;
    let referrer = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{}],"subject":{}}}"#,
        json(&config),
        json(&layer),
        json(&subject)
    );
    let referrer = put(&layout, MANIFEST, referrer).await;
    layout.append_descriptor(referrer).await.expect("append");
    layout.remove(&Matcher::name("bottom")).await.expect("remove");
    assert_eq!(digests(&dry(&layout).await), Vec::<&Digest>::new());

    // A manifest of a kind that nobody here knows, and a child that is no document at all.
    let blob = put(&layout, "x/blob", "of the unknown manifest").await;
    let unknown = put(
        &layout,
        "application/vnd.oci.artifact.manifest.v1+json",
        format!(r#"{{"blobs":[{}]}}"#, json(&blob)),
    )
    .await;
    let opaque = put(&layout, "application/vnd.oci.descriptor.v1+json", "not JSON").await;
    layout.append_descriptor(unknown).await.expect("append");
    layout.append_descriptor(opaque).await.expect("append");
    assert_eq!(digests(&dry(&layout).await), Vec::<&Digest>::new());
    layout.remove(&Matcher::any()).await.expect("remove");
    let collected = layout
        .collect_garbage(CollectMode::Remove)
        .await
        .expect("collect");
    assert_eq!(files(dir.path()), ["index.json", "oci-layout"]);
    assert_eq!(collected.blobs.len(), 3 + 2 + 2 + 3);
}

#[tokio::test]
async fn sparse_indexes_and_foreign_layers_are_no_obstacle() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let absent = Descriptor::new(MediaType::ImageManifest, 3, sha256("absent"));
    let foreign = Descriptor::new(
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".into(),
        3,
        sha256("elsewhere"),
    );
    let config = put(&layout, "x/y", "{}").await;
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
        json(&config),
        json(&foreign)
    );
    let manifest = put(&layout, MANIFEST, manifest).await;
    layout.append_descriptor(absent.clone()).await.expect("append");
    layout.append_descriptor(manifest).await.expect("append");
    let collected = dry(&layout).await;
    assert_eq!(collected.missing, [absent.digest().clone()]);
    assert_eq!(digests(&collected), Vec::<&Digest>::new());
}

#[tokio::test]
async fn left_over_files_are_removed_and_strays_told() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    layout
        .append_image(&random::image(1, 1, 100), &named("a"))
        .await
        .expect("append");
    let left_over = ["blobs/sha256/.wharf-x1", ".wharf-x2"];
    let strays = [
        "blobs/README",
        "blobs/sha256/ABCDEF",
        "blobs/sha256/oci-put-blob123",
    ];
    for name in left_over.iter().chain(&strays) {
        fs::write(dir.path().join(name), "x").expect("write");
    }
    fs::create_dir(dir.path().join("blobs/sha256/directory")).expect("directory");
    let before = files(dir.path()).len();
    let collected = layout
        .collect_garbage(CollectMode::Remove)
        .await
        .expect("collect");
    assert_eq!(digests(&collected), Vec::<&Digest>::new());
    let told = |paths: &[std::path::PathBuf]| -> Vec<String> {
        let names = paths.iter().map(|path| {
            path.strip_prefix(dir.path())
                .expect("below")
                .display()
                .to_string()
        });
        names.collect()
    };
    assert_eq!(
        told(&collected.strays),
        [
            "blobs/README",
            "blobs/sha256/ABCDEF",
            "blobs/sha256/directory",
            "blobs/sha256/oci-put-blob123"
        ]
    );
    assert_eq!(told(&collected.left_over), left_over);
    assert_eq!(files(dir.path()).len(), before - left_over.len());
}

#[cfg(unix)]
/// What somebody may be writing at this moment is no garbage. Without a directory of blobs there is nothing
/// by which writers keep the collector out.
#[tokio::test]
async fn fresh_files_stay_where_nothing_keeps_writers_out() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    layout
        .append_image(&random::image(1, 1, 100), &named("a"))
        .await
        .expect("append");
    layout.remove(&Matcher::any()).await.expect("remove");
    fs::remove_dir_all(dir.path().join("blobs")).expect("remove");
    let fresh = dir.path().join(".wharf-x");
    fs::write(&fresh, "x").expect("write");
    let collected = layout
        .collect_garbage(CollectMode::Remove)
        .await
        .expect("collect");
    assert_eq!(collected.strays, std::slice::from_ref(&fresh));
    assert!(fresh.exists());
}

#[tokio::test]
async fn links_are_told_and_left() {
    let dir = tempfile::tempdir().expect("temp dir");
    let outside = dir.path().join("outside");
    fs::write(&outside, "mine").expect("write");
    let layout = Layout::create(dir.path().join("layout")).await.expect("create");
    let digest = sha256("mine");
    fs::create_dir_all(layout.path().join("blobs/sha256")).expect("directory");
    std::os::unix::fs::symlink(&outside, blob_path(layout.path(), &digest)).expect("link");
    std::os::unix::fs::symlink(&outside, layout.path().join("blobs/sha256/.wharf-link")).expect("link");
    let collected = layout
        .collect_garbage(CollectMode::Remove)
        .await
        .expect("collect");
    assert_eq!(
        (
            collected.blobs.len(),
            collected.left_over.len(),
            collected.strays.len()
        ),
        (0, 0, 2)
    );
    assert_eq!(fs::read_to_string(outside).expect("read"), "mine");
}

#[tokio::test]
async fn nothing_is_removed_where_a_manifest_cannot_be_read() {
    async fn check(damage: impl FnOnce(&Path)) {
        let dir = tempfile::tempdir().expect("temp dir");
        let layout = Layout::create(dir.path()).await.expect("create");
        let image = random::image(1, 1, 100);
        layout.append_image(&image, &named("a")).await.expect("append");
        put(&layout, "x/y", "nobody's").await;
        damage(&blob_path(
            dir.path(),
            image.descriptor().await.expect("descriptor").digest(),
        ));
        let before = files(dir.path());
        layout
            .collect_garbage(CollectMode::Remove)
            .await
            .expect_err("damaged");
        assert_eq!(files(dir.path()), before);
    }
    check(|manifest| fs::write(manifest, "{}").expect("write")).await;
    check(|manifest| fs::write(manifest, "").expect("write")).await;
    check(|manifest| {
        let index = manifest.ancestors().nth(3).expect("root").join("index.json");
        fs::write(index, "{").expect("write");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_and_collections_at_once_lose_nothing() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    layout
        .append_image(&random::image(99, 1, 100), &named("first"))
        .await
        .expect("append");
    let appends = (0..4).map(|writer: u64| {
        let layout = layout.clone();
        tokio::spawn(async move {
            for round in 0..6 {
                let image = random::image(writer * 100 + round, 2, 2000);
                layout
                    .append_image(&image, &named(&format!("{writer}-{round}")))
                    .await
                    .expect("append");
            }
        })
    });
    let appends: Vec<_> = appends.collect();
    while !appends.iter().all(tokio::task::JoinHandle::is_finished) {
        layout
            .collect_garbage(CollectMode::Remove)
            .await
            .expect("collect");
    }
    for append in appends {
        append.await.expect("no panic");
    }
    let verified = layout.verify().await.expect("verify");
    assert!(verified.is_good(), "{:?}", verified.damaged);
    assert_eq!(verified.blobs, 25 + 25 + 24 * 2 + 1);
}
