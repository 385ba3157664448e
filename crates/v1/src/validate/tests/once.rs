//! How often layers are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oci_spec::image::{Descriptor, Digest, MediaType};

use super::*;
use crate::Layer;
use crate::partial::BlobLayer;

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
        found(&validate::image(&built, options).await, &[]);
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
        found(&validate::index(&index, options).await, &[]);
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
    let report = validate::index(&index, &ValidateOptions::default()).await;
    let checks: Vec<_> = report.findings().iter().map(|finding| finding.check).collect();
    assert_eq!(checks, [Check::Tar, Check::Tar], "{report}");
    assert_ne!(report.findings()[0].place, report.findings()[1].place);
    assert_eq!(counted.1.load(Ordering::Relaxed), 1);
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
        let report = validate::index(&index, &options).await;
        let checks: Vec<_> = report.findings().iter().map(|finding| finding.check).collect();
        let want: &[Check] = if damaged_first { &[Check::Digest] } else { &[] };
        assert_eq!(checks, want, "{report}");
    }
}
