//! Good content, and what the tests of this folder share.

mod image;
mod index;
mod layer;
mod limits;
mod once;

use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use oci_spec::image::Descriptor;
use serde_json::{Value, json};

use crate::media_type::Family;
use crate::partial::tests::Store;
use crate::partial::{BlobSource, ImageBuilder, IndexBuilder, StaticLayer, StoredImage, StoredIndex};
use crate::validate::{self, Check, Report, ValidateOptions};
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
        found(&validate::image(&image, &ValidateOptions::default()).await, want);
    }

    async fn check_index(self, descriptor: &Descriptor, want: &[&str]) {
        let index = StoredIndex::new(descriptor.clone(), Arc::new(self.store));
        found(&validate::index(&index, &ValidateOptions::default()).await, want);
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

fn short_of(descriptor: &Descriptor) -> String {
    shorten(descriptor.digest().as_ref())
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
        found(&validate::layer(&random::layer(1, 1000), &options).await, &[]);
        found(&validate::image(&empty::image(), &options).await, &[]);
        found(&validate::image(&random::image(1, 3, 1000), &options).await, &[]);
        found(&validate::index(&empty::index(), &options).await, &[]);
        found(
            &validate::index(&random::index(1, 2, 2, 100), &options).await,
            &[],
        );
    }
}

#[cfg(all(feature = "gzip", feature = "zstd"))]
#[tokio::test]
async fn all_kinds_of_layers_and_children_are_valid() {
    use oci_spec::image::MediaType;

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
    found(&validate::index(&nested, &options).await, &[]);
}

/// A source of these bytes.
#[derive(Debug)]
struct Held(Bytes);

impl BlobSource for Held {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(ByteStream::from_bytes(self.0.clone())) })
    }
}
