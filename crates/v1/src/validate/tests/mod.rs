use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::*;
use crate::media_type::{DOCKER_FOREIGN_LAYER, Family};
use crate::partial::tests::Store;
use crate::partial::{
    BlobLayer, BlobSource, ImageBuilder, IndexBuilder, StaticLayer, StoredImage, StoredIndex,
};
use crate::{ByteStream, Config, DescriptorExt as _, Error, empty, random, sha256};

/// A tar of one file.
fn tar_of(name: &str) -> Vec<u8> {
    let mut archive = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_ustar();
    header.set_size(7);
    archive
        .append_data(&mut header, name, &b"content"[..])
        .expect("in memory");
    archive.into_inner().expect("in memory")
}

#[cfg(feature = "gzip")]
fn gzipped(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// Content that may lie.
#[derive(Default)]
struct World {
    store: Store,
}

impl World {
    fn add(&mut self, media_type: &str, bytes: impl Into<Bytes>) -> Descriptor {
        let bytes = bytes.into();
        let descriptor = Descriptor::new(media_type.into(), bytes.len() as u64, sha256(&bytes));
        self.store.insert(sha256(&bytes), bytes);
        descriptor
    }

    /// An image whose config and manifest are changed before they are written.
    fn image(
        &mut self,
        layers: &[&Descriptor],
        diff_ids: &[&[u8]],
        change_config: impl FnOnce(&mut Value),
        change_manifest: impl FnOnce(&mut Value),
    ) -> Descriptor {
        let diff_ids: Vec<_> = diff_ids.iter().map(|plain| sha256(plain).to_string()).collect();
        let mut config = json!({
            "architecture": "amd64", "os": "linux",
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        change_config(&mut config);
        let config = self.add(crate::media_type::OCI_CONFIG, config.to_string());
        let value = |descriptor: &Descriptor| -> Value {
            serde_json::from_str(&descriptor.to_canonical_json()).expect("JSON")
        };
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": crate::media_type::OCI_MANIFEST,
            "config": value(&config),
            "layers": layers.iter().map(|layer| value(layer)).collect::<Vec<_>>(),
        });
        change_manifest(&mut manifest);
        self.add(crate::media_type::OCI_MANIFEST, manifest.to_string())
    }

    fn index(&mut self, manifests: &Value) -> Descriptor {
        let index = json!({ "schemaVersion": 2, "manifests": manifests });
        self.add(crate::media_type::OCI_INDEX, index.to_string())
    }

    async fn check_image(self, descriptor: &Descriptor, want: &[&str]) {
        let image = StoredImage::new(descriptor.clone(), Arc::new(self.store));
        found(&super::image(&image, &ValidateOptions::default()).await, want);
    }

    async fn check_index(self, descriptor: &Descriptor, want: &[&str]) {
        let index = StoredIndex::new(descriptor.clone(), Arc::new(self.store));
        found(&super::index(&index, &ValidateOptions::default()).await, want);
    }
}

/// The report has these lines; digests are shortened to their first 6 digits.
#[track_caller]
fn found(report: &Report, want: &[&str]) {
    let text = report.to_string();
    let lines: Vec<_> = text.lines().map(shorten).collect();
    assert_eq!(lines, want);
    assert_eq!(
        report.is_valid(),
        lines.iter().all(|line| line.starts_with("warning: "))
    );
}

fn shorten(line: &str) -> String {
    let mut short = String::new();
    let mut parts = line.split("sha256:");
    short.push_str(parts.next().unwrap_or_default());
    for part in parts {
        short.push_str(&part[..6]);
        short.push_str(&part[64..]);
    }
    short
}

fn short(bytes: &[u8]) -> String {
    shorten(sha256(bytes).as_ref())
}

fn unchanged(_: &mut Value) {}

#[tokio::test]
async fn good_things_are_valid() {
    for options in [
        ValidateOptions::default(),
        ValidateOptions::default().with_both_forms(true),
        ValidateOptions::default().with_fast(true),
        ValidateOptions::default().with_concurrency(0),
    ] {
        found(&layer(&random::layer(1, 1000), &options).await, &[]);
        found(&image(&empty::image(), &options).await, &[]);
        found(&image(&random::image(1, 3, 1000), &options).await, &[]);
        found(&index(&empty::index(), &options).await, &[]);
        found(&index(&random::index(1, 2, 2, 100), &options).await, &[]);
    }
}

#[cfg(all(feature = "gzip", feature = "zstd"))]
#[tokio::test]
async fn all_kinds_of_layers_and_children_are_valid() {
    let tar = tar_of("file");
    let zstd = zstd::encode_all(&tar[..], 3).expect("in memory");
    let mixed = ImageBuilder::new(Family::Docker)
        .layer(StaticLayer::new("no tar", MediaType::from("text/plain")))
        .layer(StaticLayer::new(tar.clone(), MediaType::ImageLayer))
        .layer(StaticLayer::new(gzipped(&tar), MediaType::ImageLayerGzip))
        .layer(StaticLayer::new(zstd, MediaType::ImageLayerZstd))
        .layer(StaticLayer::new("", MediaType::ImageLayer));
    let artifact = ImageBuilder::new(Family::Oci)
        .config(Config::new("no JSON", MediaType::from("application/vnd.example")))
        .layer(StaticLayer::new("no tar", MediaType::from("text/plain")));
    let nested = IndexBuilder::new(Family::Oci)
        .image(mixed.build().await.expect("fits"))
        .image(artifact.build().await.expect("fits"))
        .index(random::index(1, 1, 1, 10))
        .blob(StaticLayer::new("content", MediaType::from("text/plain")));
    let nested = nested.build().await.expect("built");
    let options = ValidateOptions::default().with_both_forms(true);
    found(&index(&nested, &options).await, &[]);
}

#[tokio::test]
async fn lies_about_layers() {
    let tar = tar_of("file");
    let mut world = World::default();
    let good = world.add(crate::media_type::OCI_LAYER, tar.clone());
    let mut damaged = tar.clone();
    damaged[520] ^= 1;
    world.store.insert(good.digest().clone(), damaged.clone());
    let image = world.image(&[&good], &[&tar], unchanged, unchanged);
    let digest = short(&tar);
    let want = format!(
        "layers[0] ({digest}): digest: want {digest}, got {}",
        short(&damaged)
    );
    world.check_image(&image, &[&want]).await;

    let mut world = World::default();
    let good = world.add(crate::media_type::OCI_LAYER, tar.clone());
    world.store.insert(good.digest().clone(), tar[..1000].to_vec());
    let image = world.image(&[&good], &[&tar], unchanged, unchanged);
    let want = format!("layers[0] ({digest}): size: want {}, got 1000", tar.len());
    world.check_image(&image, &[&want]).await;

    let mut world = World::default();
    let good = world.add(crate::media_type::OCI_LAYER, tar.clone());
    let image = world.image(&[&good], &[b"other"], unchanged, unchanged);
    let (other, place) = (short(b"other"), format!("layers[0] ({digest})"));
    let want = [format!("{place}: diff id: want {other}, got {digest}")];
    world.check_image(&image, &[&want[0]]).await;

    let mut world = World::default();
    let absent = Descriptor::new(MediaType::ImageLayer, 1, sha256("absent"));
    let image = world.image(&[&absent], &[b"absent"], unchanged, unchanged);
    let absent = short(b"absent");
    let want = format!("layers[0] ({absent}): existence: {absent} not found");
    world.check_image(&image, &[&want]).await;
}

#[tokio::test]
async fn what_need_not_be_there_is_a_warning() {
    let mut world = World::default();
    let foreign = Descriptor::new(MediaType::from(DOCKER_FOREIGN_LAYER), 1, sha256("foreign"));
    let image = world.image(&[&foreign], &[b"foreign"], unchanged, unchanged);
    let foreign = short(b"foreign");
    let want = format!("warning: layers[0] ({foreign}): existence: {foreign} not found");
    world.check_image(&image, &[&want]).await;
}

#[tokio::test]
async fn archives_are_looked_into() {
    let mut twice = tar_of("file");
    twice.truncate(1024);
    twice.extend(tar_of("./file"));
    for (content, want) in [
        (twice, "name in archive twice: file"),
        (vec![b'x'; 600], "tar archive: header 0: not one of a tar archive"),
        (
            tar_of("file")[..512].to_vec(),
            "tar archive: it ends within an entry",
        ),
    ] {
        let mut world = World::default();
        let layer = world.add(crate::media_type::OCI_LAYER, content.clone());
        let image = world.image(&[&layer], &[&content], unchanged, unchanged);
        let want = format!("layers[0] ({}): {want}", short(&content));
        world.check_image(&image, &[&want]).await;
    }
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn damaged_compression_is_told_from_damaged_bytes() {
    let tar = tar_of("file");
    let mut broken = gzipped(&tar);
    let length = broken.len();
    broken[length - 6] ^= 1;
    let mut world = World::default();
    let layer = world.add(crate::media_type::OCI_LAYER_GZIP, broken.clone());
    let image = world.image(&[&layer], &[&tar], unchanged, unchanged);
    let store = Arc::new(world.store);
    let report = super::image(
        &StoredImage::new(image, Arc::clone(&store)),
        &ValidateOptions::default(),
    )
    .await;
    let checks: Vec<_> = report.findings().iter().map(|finding| finding.check).collect();
    assert_eq!(
        checks,
        [Check::Compression],
        "its bytes are those that were promised"
    );

    let whole = gzipped(&tar);
    let mut world = World::default();
    let layer = world.add(crate::media_type::OCI_LAYER_GZIP, whole);
    world.store.insert(layer.digest().clone(), broken);
    let image = world.image(&[&layer], &[&tar], unchanged, unchanged);
    let image = StoredImage::new(image, Arc::new(world.store));
    let report = super::image(&image, &ValidateOptions::default()).await;
    let checks: Vec<_> = report.findings().iter().map(|finding| finding.check).collect();
    assert!(checks.contains(&Check::Digest), "{report}");
}

#[tokio::test]
async fn lies_about_the_config() {
    async fn check(
        change_config: impl FnOnce(&mut Value),
        change_manifest: impl FnOnce(&mut Value),
        want: &[&str],
    ) {
        let mut world = World::default();
        let tar = tar_of("file");
        let layer = world.add(crate::media_type::OCI_LAYER, tar.clone());
        let image = world.image(&[&layer], &[&tar], change_config, change_manifest);
        world.check_image(&image, want).await;
    }
    check(
        |config| config["rootfs"]["type"] = "other".into(),
        unchanged,
        &["config: rootfs type: want layers, got other"],
    )
    .await;
    check(
        |config| config["rootfs"]["diff_ids"] = json!([]),
        unchanged,
        &[
            "config: number of layers: want 1 diff ids, got 0",
            &format!(
                "layers[0] ({}): cannot be read: mismatched fs layers (1) and diff ids (0)",
                short(&tar_of("file"))
            ),
        ],
    )
    .await;
    check(
        |config| config["history"] = json!([{ "empty_layer": true }]),
        unchanged,
        &["warning: config: history: 0 entries that made a layer, and 1 layers"],
    )
    .await;
    check(
        |config| config["history"] = json!([{ "empty_layer": true }, {}]),
        unchanged,
        &[],
    )
    .await;
    check(
        unchanged,
        |manifest| manifest["schemaVersion"] = 1.into(),
        &["manifest: schema version: want 2, got 1"],
    )
    .await;
    check(
        unchanged,
        |manifest| manifest["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json".into(),
        &["manifest: media type: want application/vnd.docker.distribution.manifest.v2+json, got application/vnd.oci.image.manifest.v1+json"],
    )
    .await;
    check(
        unchanged,
        |manifest| manifest["layers"][0]["data"] = "eA==".into(),
        &[&format!(
            "layers[0] ({}): inlined data: want 2048 bytes, got 1 bytes",
            short(&tar_of("file"))
        )],
    )
    .await;
    check(
        unchanged,
        |manifest| manifest["config"]["data"] = "no base64".into(),
        &["config: inlined data: parsing descriptor: Invalid symbol 32, offset 2."],
    )
    .await;
}

#[tokio::test]
async fn an_inlined_config_is_held_to_its_digest() {
    let mut world = World::default();
    let image = world.image(&[], &[], unchanged, |manifest| {
        let size = manifest["config"]["size"].as_u64().expect("a size") as usize;
        use base64::Engine as _;
        manifest["config"]["data"] = base64::engine::general_purpose::STANDARD
            .encode(vec![b'x'; size])
            .into();
    });
    let image = StoredImage::new(image, Arc::new(world.store));
    let report = super::image(&image, &ValidateOptions::default()).await;
    let checks: Vec<_> = report.findings().iter().map(|finding| finding.check).collect();
    assert_eq!(checks, [Check::Data], "{report}");
}

#[tokio::test]
async fn a_manifest_that_is_none() {
    for (text, want) in [
        (
            "{",
            "manifest: document: parsing manifest: EOF while parsing an object at line 1 column 1",
        ),
        ("[]", "manifest: document: parsing manifest: not an object"),
        ("{}", "manifest: document: parsing manifest: config is missing"),
    ] {
        let mut world = World::default();
        let image = world.add(crate::media_type::OCI_MANIFEST, text);
        world.check_image(&image, &[want]).await;
    }
}

#[tokio::test]
async fn unknown_digest_algorithms_are_told() {
    let mut world = World::default();
    let odd = Descriptor::new(
        MediaType::ImageLayer,
        1,
        Digest::try_from("md5:abc").expect("fits the grammar"),
    );
    let image = world.image(&[&odd], &[b"x"], unchanged, unchanged);
    let want = "layers[0] (md5:abc): cannot be read: unsupported digest algorithm md5";
    world.check_image(&image, &[want]).await;
}

#[tokio::test]
async fn lies_about_children() {
    async fn check(change: impl FnOnce(&mut Value), want: &[&str]) {
        let mut world = World::default();
        let image = world.image(&[], &[], unchanged, unchanged);
        let mut listed: Value = serde_json::from_str(&image.to_canonical_json()).expect("JSON");
        change(&mut listed);
        let index = world.index(&json!([listed]));
        let place = format!("manifests[0] ({})", shorten(image.digest().as_ref()));
        let want: Vec<_> = want.iter().map(|want| format!("{place}{want}")).collect();
        let want: Vec<_> = want.iter().map(String::as_str).collect();
        world.check_index(&index, &want).await;
    }
    check(|_| (), &[]).await;
    let platform = |text: &str| {
        let spec: crate::PlatformSpec = text.parse().expect(text);
        let mut platform = json!({ "os": spec.os(), "architecture": spec.architecture() });
        platform["variant"] = spec.variant().into();
        platform["os.version"] = spec.os_version().into();
        platform
    };
    check(|listed| listed["platform"] = platform("linux/amd64"), &[]).await;
    check(|listed| listed["platform"] = platform("linux/x86_64/v1"), &[]).await;
    check(
        |listed| listed["platform"] = platform("linux/amd64/v3"),
        &[r#": platform: want variant "v3", got """#],
    )
    .await;
    check(
        |listed| listed["platform"] = platform("windows/arm64:10"),
        &[
            r#": platform: want os "windows", got "linux""#,
            r#": platform: want architecture "arm64", got "amd64""#,
            r#": platform: want os.version "10", got """#,
        ],
    )
    .await;
    check(
        |listed| listed["size"] = 7.into(),
        &[", manifest: size: want 7, got 247"],
    )
    .await;
}

/// A layer whose openings are counted.
#[derive(Debug)]
struct Counted(StaticLayer, AtomicUsize);

#[deny(clippy::missing_trait_methods)]
impl Layer for Counted {
    fn media_type(&self) -> MediaType {
        self.0.media_type()
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        self.0.descriptor()
    }
    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        self.0.diff_id()
    }
    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.compressed()
    }
    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.uncompressed()
    }
    fn exists(&self) -> BoxFuture<'_, Result<bool, Error>> {
        self.0.exists()
    }
    fn is_reopenable(&self) -> bool {
        self.0.is_reopenable()
    }
    fn mount_source(&self) -> Option<crate::MountSource> {
        self.0.mount_source()
    }
}

#[tokio::test]
async fn a_layer_is_opened_once() {
    async fn check(options: &ValidateOptions, want: usize) {
        let (counted, layer) = counted(random::layer(1, 1000));
        let built = ImageBuilder::new(Family::Oci)
            .layer(layer)
            .build()
            .await
            .expect("fits");
        found(&image(&built, options).await, &[]);
        assert_eq!(counted.1.load(Ordering::Relaxed), want, "{options:?}");
    }
    check(&ValidateOptions::default(), 1).await;
    check(&ValidateOptions::default().with_fast(true), 0).await;
    check(&ValidateOptions::default().with_both_forms(true), 2).await;
}

/// A layer of any form whose openings are counted.
fn counted(layer: StaticLayer) -> (Arc<Counted>, Arc<dyn Layer>) {
    let counted = Arc::new(Counted(layer, AtomicUsize::new(0)));
    (Arc::clone(&counted), counted)
}

#[tokio::test]
async fn a_layer_that_several_list_is_opened_once() {
    async fn check(options: &ValidateOptions, want: usize) {
        let (counted, layer) = counted(random::layer(1, 1000));
        let mut index = IndexBuilder::new(Family::Oci).blob(Arc::clone(&layer));
        for copies in 1..4 {
            let mut image = ImageBuilder::new(Family::Oci).layer(random::layer(copies, 10));
            for _ in 0..copies {
                image = image.layer(Arc::clone(&layer));
            }
            index = index.image(image.build().await.expect("fits"));
        }
        let nested = index.build().await.expect("built");
        let index = IndexBuilder::new(Family::Oci).index(nested.clone()).index(nested);
        let index = index.build().await.expect("built");
        found(&super::index(&index, options).await, &[]);
        assert_eq!(counted.1.load(Ordering::Relaxed), want, "{options:?}");
    }
    check(&ValidateOptions::default(), 1).await;
    check(&ValidateOptions::default().with_concurrency(1), 1).await;
    check(&ValidateOptions::default().with_fast(true), 0).await;
}

/// What is wrong with content is said wherever it is listed, and is found once.
#[tokio::test]
async fn flaws_of_a_shared_layer_are_told_of_each_image() {
    let (counted, layer) = counted(StaticLayer::new(vec![b'x'; 600], MediaType::ImageLayer));
    let mut index = IndexBuilder::new(Family::Oci);
    for author in ["a", "b"] {
        let image = ImageBuilder::new(Family::Oci).layer(Arc::clone(&layer));
        let image = image.layer(random::layer(author.len() as u64, 10));
        index = index.image(image.build().await.expect("fits"));
    }
    let index = index.build().await.expect("built");
    let report = super::index(&index, &ValidateOptions::default()).await;
    let checks: Vec<_> = report.findings().iter().map(|finding| finding.check).collect();
    assert_eq!(checks, [Check::Tar, Check::Tar], "{report}");
    assert_ne!(report.findings()[0].place, report.findings()[1].place);
    assert_eq!(counted.1.load(Ordering::Relaxed), 1);
}

#[derive(Debug)]
struct Held(Bytes);

impl BlobSource for Held {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(ByteStream::from_bytes(self.0.clone())) })
    }
}

/// One place that holds something else under a digest says nothing of the others.
#[tokio::test]
async fn content_that_is_not_what_it_should_be_is_not_shared() {
    let tar = tar_of("file");
    let descriptor = Descriptor::new(MediaType::ImageLayer, tar.len() as u64, sha256(&tar));
    for damaged_first in [true, false] {
        let mut index = IndexBuilder::new(Family::Oci);
        for damaged in [damaged_first, !damaged_first] {
            let mut content = tar.clone();
            content[520] ^= u8::from(damaged);
            let layer = BlobLayer::new(descriptor.clone(), Held(content.into()));
            let layer = layer.with_diff_id(descriptor.digest().clone());
            let image = ImageBuilder::new(Family::Oci).layer(layer);
            let image = image.annotation("damaged", damaged.to_string());
            index = index.image(image.build().await.expect("fits"));
        }
        let index = index.build().await.expect("built");
        // One after the other: what was found good in one place counts for all.
        let options = ValidateOptions::default().with_concurrency(1);
        let report = super::index(&index, &options).await;
        let checks: Vec<_> = report.findings().iter().map(|finding| finding.check).collect();
        let want: &[Check] = if damaged_first { &[Check::Digest] } else { &[] };
        assert_eq!(checks, want, "{report}");
    }
}

/// A source that never goes on must not keep a thread for ever.
#[tokio::test]
async fn dropping_a_check_ends_its_thread() {
    #[derive(Debug)]
    struct Hangs(Mutex<Option<oneshot::Sender<()>>>);
    impl BlobSource for Hangs {
        fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
            let held = self.0.lock().expect("no panic").take();
            Box::pin(async move {
                Ok(ByteStream::new(futures_util::stream::poll_fn(move |_| {
                    let _held = &held;
                    Poll::Pending
                })))
            })
        }
    }
    let (held, let_go) = oneshot::channel();
    let descriptor = Descriptor::new(MediaType::ImageLayer, 10, sha256("never"));
    let hangs = BlobLayer::new(descriptor, Hangs(Mutex::new(Some(held))));
    let options = ValidateOptions::default();
    let mut checking = Box::pin(layer(&hangs, &options));
    assert!(futures_util::FutureExt::now_or_never(&mut checking).is_none());
    drop(checking);
    let_go.await.expect_err("its sender is dropped");
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn limits_of_decompression() {
    let bomb = gzipped(&vec![0; 4 << 20]);
    let layer = StaticLayer::new(bomb, MediaType::ImageLayerGzip);
    let options =
        ValidateOptions::default().with_limits(crate::DecompressLimits::default().with_max_bytes(1 << 20));
    let report = super::layer(&layer, &options).await;
    found(&report, &["it: limit: body exceeds 1048576 byte limit"]);
}

/// A layer may give other uncompressed bytes than its stored ones.
#[tokio::test]
async fn limits_hold_for_both_forms() {
    #[derive(Debug)]
    struct Endless(StaticLayer);
    impl Layer for Endless {
        fn media_type(&self) -> MediaType {
            self.0.media_type()
        }
        fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
            self.0.descriptor()
        }
        fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
            self.0.diff_id()
        }
        fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
            self.0.compressed()
        }
        fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
            let zeros = futures_util::stream::repeat_with(|| Ok(Bytes::from_static(&[0; 4096])));
            Box::pin(async move { Ok(ByteStream::new(zeros)) })
        }
    }
    let limits = crate::DecompressLimits::default().with_max_bytes(1 << 20);
    let options = ValidateOptions::default()
        .with_both_forms(true)
        .with_limits(limits);
    let report = super::layer(&Endless(random::layer(1, 10)), &options).await;
    found(&report, &["it: limit: body exceeds 1048576 byte limit"]);
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn a_diff_id_is_found_within_limits() {
    let bytes = gzipped(&vec![0; 4 << 20]);
    let descriptor = Descriptor::new(MediaType::ImageLayerGzip, bytes.len() as u64, sha256(&bytes));
    let layer = BlobLayer::new(descriptor, Held(bytes.into()));
    let limits = crate::DecompressLimits::default().with_max_bytes((4 << 20) - 1);
    let layer = layer.with_limits(limits);
    let error = layer.diff_id().await.expect_err("too large");
    assert!(matches!(error, Error::TooLarge { limit } if limit == (4 << 20) - 1));
    let limits = limits.with_max_bytes(4 << 20);
    let diff_id = layer.with_limits(limits).diff_id().await.expect("just enough");
    assert_eq!(diff_id, sha256(vec![0; 4 << 20]));
}

#[tokio::test]
async fn limits_of_indexes() {
    let options = ValidateOptions::default().with_max_depth(1).with_max_children(2);
    let nested = IndexBuilder::new(Family::Oci)
        .index(empty::index())
        .image(random::image(1, 1, 1))
        .image(random::image(2, 1, 1));
    let report = index(&nested.build().await.expect("built"), &options).await;
    let want = [
        "it: limit: more than 2 children",
        "manifests[0] (dff9de): limit: nested more than 1 deep",
    ];
    found(&report, &want);
}

#[tokio::test]
async fn what_is_not_computed_yet_is_told() {
    #[derive(Debug)]
    struct Unread;
    impl Layer for Unread {
        fn media_type(&self) -> MediaType {
            MediaType::ImageLayer
        }
        fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
            Box::pin(async { Err(Error::NotComputed) })
        }
        fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
            Box::pin(async { Err(Error::NotComputed) })
        }
        fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
            Box::pin(async { Err(Error::Consumed) })
        }
        fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
            self.compressed()
        }
    }
    let report = layer(&Unread, &ValidateOptions::default()).await;
    found(
        &report,
        &["it: cannot be read: value not computed until stream is consumed"],
    );
}

/// A line stays one line, whatever an archive has for names.
#[tokio::test]
async fn foreign_text_is_escaped() {
    let mut content = tar_of("a\u{1b}[31m\nb");
    content.truncate(1024);
    content.extend(tar_of("a\u{1b}[31m\nb"));
    let report = layer(
        &StaticLayer::new(content, MediaType::ImageLayer),
        &ValidateOptions::default(),
    )
    .await;
    found(&report, &[r"it: name in archive twice: a\u{1b}[31m\nb"]);
}
