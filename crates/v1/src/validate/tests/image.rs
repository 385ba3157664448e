//! Images whose parts are not what they are said to be.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use serde_json::{Value, json};

use super::*;
use crate::media_type::DOCKER_FOREIGN_LAYER;
use crate::{Image as _, Layer};

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
    let report = validate::image(
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
    let report = validate::image(&image, &ValidateOptions::default()).await;
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
        |config| config["history"] = json!([{ "empty_layer": true }, { "empty_layer": false }]),
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
    let report = validate::image(&image, &ValidateOptions::default()).await;
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
    let report = validate::layer(&Unread, &ValidateOptions::default()).await;
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
    let report = validate::layer(
        &StaticLayer::new(content, MediaType::ImageLayer),
        &ValidateOptions::default(),
    )
    .await;
    found(&report, &[r"it: name in archive twice: a\u{1b}[31m\nb"]);
}

/// Where layers are only asked whether they are there, all else is checked in full.
#[tokio::test]
async fn fast_runs_look_at_documents_only() {
    async fn check(change: impl FnOnce(&mut World, &Descriptor), want: &[&str]) {
        let mut world = World::default();
        let tar = tar_of("file");
        let layer = world.add(crate::media_type::OCI_LAYER, tar.clone());
        let image = world.image(
            &[&layer],
            &[&tar],
            |config| config["rootfs"]["type"] = "other".into(),
            unchanged,
        );
        change(&mut world, &layer);
        let image = StoredImage::new(image, Arc::new(world.store));
        let report = validate::image(&image, &ValidateOptions::default().with_fast(true)).await;
        let mut all = vec!["config: rootfs type: want layers, got other".to_owned()];
        let digest = short(&tar);
        all.extend(want.iter().map(|want| format!("layers[0] ({digest}): {want}")));
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        found(&report, &all);
    }
    check(|_, _| (), &[]).await;
    check(
        |world, layer| world.store.insert(layer.digest().clone(), "damaged"),
        &[],
    )
    .await;
    check(
        |world, layer| world.store.remove(layer.digest()),
        &["existence: it is not there"],
    )
    .await;
}

/// What a layer says of itself is held against what the manifest says.
#[tokio::test]
async fn layers_that_are_not_those_of_the_manifest() {
    let tar = tar_of("file");
    let good = StaticLayer::new(tar.clone(), MediaType::ImageLayer);
    let other = StaticLayer::new(tar_of("other"), MediaType::from(crate::media_type::DOCKER_LAYER));
    let image = ImageBuilder::new(Family::Oci)
        .layer(good)
        .build()
        .await
        .expect("fits");
    let (manifest, config) = (image.manifest().await, image.config().await);
    let (manifest, config) = (manifest.expect("known"), config.expect("known"));
    /// An image with other layers than it should have.
    #[derive(Debug)]
    struct Lying(crate::Manifest, Config, Vec<Arc<dyn Layer>>);
    impl crate::Image for Lying {
        fn media_type(&self) -> MediaType {
            self.0.media_type().clone()
        }
        fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
            Box::pin(async { Ok(self.0.descriptor()) })
        }
        fn manifest(&self) -> BoxFuture<'_, Result<crate::Manifest, Error>> {
            Box::pin(async { Ok(self.0.clone()) })
        }
        fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
            Box::pin(async { Ok(self.1.clone()) })
        }
        fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
            Box::pin(async { Ok(self.2.clone()) })
        }
    }
    let digest = short(&tar);
    let lying = Lying(manifest.clone(), config.clone(), vec![Arc::new(other)]);
    let report = validate::image(&lying, &ValidateOptions::default()).await;
    let place = format!("layers[0] ({digest})");
    let got = short(&tar_of("other"));
    found(
        &report,
        &[
            &format!("{place}: digest: want {digest}, got {got}"),
            &format!(
                "{place}: media type: want application/vnd.oci.image.layer.v1.tar, \
                 got application/vnd.docker.image.rootfs.diff.tar"
            ),
            &format!("{place}: diff id: want {digest}, got {got}"),
        ],
    );
    let report = validate::image(&Lying(manifest, config, Vec::new()), &ValidateOptions::default()).await;
    found(&report, &["it: number of layers: want 1, got 0"]);
}

/// A media type is a claim, and the bytes are the truth: a wrong one is odd, and breaks nothing.
#[cfg(all(feature = "gzip", feature = "zstd"))]
#[tokio::test]
async fn media_types_of_another_compression() {
    use crate::media_type::{DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD};
    let tar = tar_of("file");
    let zstd = zstd::encode_all(&tar[..], 3).expect("in memory");
    let content = [("none", tar.clone()), ("gzip", gzipped(&tar)), ("zstd", zstd)];
    for (named, types) in [
        ("none", [crate::media_type::OCI_LAYER, DOCKER_LAYER]),
        ("gzip", [crate::media_type::OCI_LAYER_GZIP, DOCKER_LAYER_GZIP]),
        ("zstd", [crate::media_type::OCI_LAYER_ZSTD, DOCKER_LAYER_ZSTD]),
    ] {
        for (stored, bytes) in &content {
            for media_type in types {
                let layer = StaticLayer::new(bytes.clone(), media_type.into());
                let report = validate::layer(&layer, &ValidateOptions::default()).await;
                let warning =
                    format!("warning: it: compression: {named} by its media type, {stored} by its bytes");
                let want: &[&str] = if named == *stored { &[] } else { &[&warning] };
                found(&report, want);
            }
        }
    }
}
