//! Reading through a cache.

use std::sync::Arc;

use futures_util::StreamExt as _;
use wharf_cache::{Cache, CacheOptions};
use wharf_v1::{Image as _, Layer, random};

use crate::counted::{CountedLayer, Reads, cache, counted_image, counted_layer, read};

#[tokio::test]
async fn nothing_is_kept_that_nobody_reads() {
    let dir = tempfile::tempdir().expect("a directory");
    let cache = cache(dir.path());
    let (image, reads) = counted_image(random::image(1, 2, 1000));
    let image = cache.image(image);
    image.descriptor().await.expect("known");
    assert_eq!((cache.usage().await.expect("usage").blobs, reads.take()), (0, 0));
}

/// Manifest, config, layers and diff_ids: the second time all come from the disk, also of another process.
#[tokio::test]
async fn everything_is_read_once() {
    let dir = tempfile::tempdir().expect("a directory");
    for round in 0..3 {
        let cache = cache(dir.path());
        let (image, reads) = counted_image(random::image(1, 2, 1000));
        let image = cache.image(image);
        image.config().await.expect("good");
        for layer in image.layers().await.expect("good") {
            read(&layer).await.expect("good");
            layer.diff_id().await.expect("good");
            layer
                .uncompressed()
                .await
                .expect("good")
                .collect(1 << 20)
                .await
                .expect("good");
            assert!(layer.exists().await.expect("told"));
        }
        // Manifest, config, the list of layers as often as one is wanted, two layers.
        assert_eq!(reads.take(), if round == 0 { 2 + 2 + 2 } else { 0 });
        assert_eq!(cache.usage().await.expect("usage").blobs, 4);
    }
}

#[tokio::test]
async fn whoever_stops_early_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let cache = cache(dir.path());
    let layer = cache.layer(random::layer(1, 1 << 20));
    let mut stream = layer.compressed().await.expect("opened");
    stream.next().await.expect("a chunk").expect("good");
    drop(stream);
    // Whoever reads on is not disturbed by it, and leaves the entry.
    let whole = read(&layer).await.expect("good");
    assert_eq!(
        whole.len() as u64,
        layer.descriptor().await.expect("known").size()
    );
    assert_eq!(cache.usage().await.expect("usage").blobs, 1);
}

#[tokio::test]
async fn a_source_that_breaks_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let cache = cache(dir.path());
    let reads = Reads::default();
    let layer = CountedLayer {
        breaks: true,
        ..counted_layer(Arc::new(random::layer(1, 1 << 20)), &reads)
    };
    let layer = cache.layer(layer);
    for _ in 0..2 {
        read(&layer).await.expect_err("it breaks");
        assert_eq!((cache.usage().await.expect("usage").blobs, reads.take()), (0, 1));
    }
}

#[tokio::test]
async fn many_read_the_same_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let layer: Arc<dyn Layer> = Arc::new(random::layer(1, 1 << 20));
    let want = read(&layer).await.expect("known");
    let mut readers = Vec::new();
    for _ in 0..16 {
        let layer = cache(dir.path()).layer(Arc::clone(&layer));
        readers.push(tokio::spawn(async move { read(&layer).await.expect("good") }));
    }
    for reader in readers {
        assert!(reader.await.expect("no panic") == want);
    }
    assert_eq!(cache(dir.path()).usage().await.expect("usage").blobs, 1);
}

/// A cache that cannot be written to does not keep anything from being read.
#[tokio::test]
async fn a_cache_that_cannot_be_written_passes_through() {
    let dir = tempfile::tempdir().expect("a directory");
    let cache = cache(&dir.path().join("cache"));
    // Its place is taken by a file.
    std::fs::remove_dir(dir.path().join("cache")).expect("removed");
    std::fs::write(dir.path().join("cache"), "in the way").expect("written");
    let (image, reads) = counted_image(random::image(1, 1, 1000));
    let image = cache.image(image);
    for _ in 0..2 {
        image.config().await.expect("good");
        for layer in image.layers().await.expect("good") {
            read(&layer).await.expect("good");
        }
        assert!(reads.take() >= 3);
    }
}

#[tokio::test]
async fn a_cache_that_is_only_read_takes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let kept: Arc<dyn Layer> = Arc::new(random::layer(1, 1000));
    read(&cache(dir.path()).layer(Arc::clone(&kept)))
        .await
        .expect("good");
    let cache = Cache::open(dir.path(), CacheOptions::default().with_read_only(true)).expect("a cache");
    let reads = Reads::default();
    let hit = cache.layer(counted_layer(Arc::clone(&kept), &reads));
    let miss = cache.layer(counted_layer(Arc::new(random::layer(2, 1000)), &reads));
    for _ in 0..2 {
        read(&hit).await.expect("good");
        assert_eq!(reads.take(), 0);
        read(&miss).await.expect("good");
        assert_eq!(reads.take(), 1);
    }
    let digest = kept.descriptor().await.expect("known").digest().clone();
    assert!(!cache.remove(&digest).await.expect("nothing done"));
    assert_eq!(cache.usage().await.expect("usage").blobs, 1);
}
