//! The entries of a cache: good, damaged, too many.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use wharf_cache::{Cache, CacheOptions, Check};
use wharf_v1::oci_spec::image::Descriptor;
use wharf_v1::{ByteStream, Error, Image as _, Layer, random};

use crate::counted::{Reads, cache, counted_image, counted_layer, read};

fn file(root: &Path, descriptor: &Descriptor) -> PathBuf {
    root.join(descriptor.digest().to_string())
}

/// An entry's bytes with one changed, and with some missing.
fn damages(path: &Path) -> [Vec<u8>; 3] {
    let good = std::fs::read(path).expect("there");
    let mut other = good.clone();
    other[10] ^= 1;
    [other, good[..10].to_vec(), Vec::new()]
}

#[tokio::test]
async fn an_entry_is_added_read_and_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let cache = cache(dir.path());
    let layer = random::layer(1, 1000);
    let descriptor = layer.descriptor().await.expect("known");
    assert!(cache.get(&descriptor).await.expect("told").is_none());
    cache
        .put(&descriptor, layer.compressed().await.expect("opened"))
        .await
        .expect("put");
    let stream = cache.get(&descriptor).await.expect("told").expect("there");
    assert_eq!(
        stream.collect(1 << 20).await.expect("good"),
        read(&layer).await.expect("known")
    );
    assert!(cache.remove(descriptor.digest()).await.expect("removed"));
    assert!(!cache.remove(descriptor.digest()).await.expect("told"));
    assert!(cache.get(&descriptor).await.expect("told").is_none());
}

#[tokio::test]
async fn wrong_bytes_are_not_taken() {
    let dir = tempfile::tempdir().expect("a directory");
    let cache = cache(dir.path());
    let descriptor = random::layer(1, 1000).descriptor().await.expect("known");
    for wrong in ["", "other bytes"] {
        let error = cache.put(&descriptor, ByteStream::from_bytes(wrong)).await;
        error.expect_err("not the bytes of the descriptor");
    }
    assert_eq!(cache.usage().await.expect("usage").blobs, 0);
}

/// A layer whose entry is damaged fails once at most, and is then whole again.
#[tokio::test]
async fn a_damaged_entry_heals() {
    for check in [Check::WhileReading, Check::Before] {
        for damage in 0..3 {
            let dir = tempfile::tempdir().expect("a directory");
            let options = CacheOptions::default().with_check(check);
            let cache = Cache::open(dir.path(), options).expect("a cache");
            let layer: Arc<dyn Layer> = Arc::new(random::layer(1, 1000));
            let descriptor = layer.descriptor().await.expect("known");
            let cached = cache.layer(Arc::clone(&layer));
            read(&cached).await.expect("good");
            let path = file(dir.path(), &descriptor);
            let bytes = damages(&path)[damage].clone();
            std::fs::write(&path, &bytes).expect("written");
            // Its size tells before anything is read.
            let is_noticed = check == Check::Before || bytes.len() as u64 != descriptor.size();
            match read(&cached).await {
                Ok(got) => assert!(is_noticed && got == read(&layer).await.expect("known")),
                Err(error) => assert!(
                    !is_noticed && matches!(error, Error::DigestMismatch { .. }),
                    "{error}"
                ),
            }
            assert!(read(&cached).await.expect("good") == read(&layer).await.expect("known"));
            assert_eq!(
                std::fs::read(&path).expect("there"),
                read(&layer).await.expect("known")
            );
        }
    }
}

#[tokio::test]
async fn damaged_manifests_and_configs_heal_at_once() {
    for damage in 0..3 {
        let dir = tempfile::tempdir().expect("a directory");
        let cache = cache(dir.path());
        let (image, reads) = counted_image(random::image(1, 1, 1000));
        let image = cache.image(image);
        let (manifest, config) = (
            image.manifest().await.expect("good"),
            image.config().await.expect("good"),
        );
        for descriptor in [image.descriptor().await.expect("known"), config.descriptor()] {
            let path = file(dir.path(), &descriptor);
            std::fs::write(&path, &damages(&path)[damage]).expect("written");
        }
        reads.take();
        assert_eq!(image.manifest().await.expect("good").raw(), manifest.raw());
        assert_eq!(image.config().await.expect("good").raw(), config.raw());
        assert_eq!(reads.take(), 2);
        image.config().await.expect("good");
        assert_eq!(reads.take(), 0);
    }
}

/// The least recently used entries go first, and none that is larger than all room.
#[tokio::test]
async fn the_least_recently_used_make_room() {
    let dir = tempfile::tempdir().expect("a directory");
    let free = cache(dir.path());
    let layers: Vec<Arc<dyn Layer>> = (0..10)
        .map(|seed| Arc::new(random::layer(seed, 50_000)) as Arc<dyn Layer>)
        .collect();
    let mut sizes = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        read(&free.layer(Arc::clone(layer))).await.expect("good");
        let descriptor = layer.descriptor().await.expect("known");
        sizes.push(descriptor.size());
        // The later, the longer ago.
        let entry = std::fs::File::open(file(dir.path(), &descriptor)).expect("there");
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 - at as u64);
        entry.set_modified(used).expect("set");
    }
    let all: u64 = sizes.iter().sum();
    assert_eq!(free.usage().await.expect("usage").bytes, all);
    let trimmed = free.trim(all).await.expect("enough room");
    assert_eq!((trimmed.removed, trimmed.left), (0, all));

    let limit = all - 1;
    let options = CacheOptions::default().with_limit(Some(limit));
    let cache = Cache::open(dir.path(), options).expect("a cache");
    let one_more: Arc<dyn Layer> = Arc::new(random::layer(99, 1000));
    read(&cache.layer(Arc::clone(&one_more))).await.expect("good");
    let left = cache.usage().await.expect("usage").bytes;
    assert!(left <= limit - limit / 10, "{left} of {limit}");
    let mut there = Vec::new();
    for layer in &layers {
        let descriptor = layer.descriptor().await.expect("known");
        there.push(file(dir.path(), &descriptor).exists());
    }
    assert!(
        there.is_sorted_by(|a, b| a >= b),
        "the last were used least recently: {there:?}"
    );
    assert!(there[0] && !there[9]);
    assert!(
        cache
            .get(&one_more.descriptor().await.expect("known"))
            .await
            .expect("told")
            .is_some()
    );

    let reads = Reads::default();
    let options = CacheOptions::default().with_limit(Some(100));
    let tiny = Cache::open(dir.path().join("tiny"), options).expect("a cache");
    let large = tiny.layer(counted_layer(Arc::clone(&layers[0]), &reads));
    for _ in 0..2 {
        read(&large).await.expect("good");
        assert_eq!(reads.take(), 1, "passed through");
    }
    assert_eq!(tiny.usage().await.expect("usage").blobs, 0);
}

/// Reading notes the use, so that what is read stays.
#[tokio::test]
async fn an_entry_that_is_read_is_used() {
    let dir = tempfile::tempdir().expect("a directory");
    let cache = cache(dir.path());
    let layer = random::layer(1, 1000);
    let path = file(dir.path(), &layer.descriptor().await.expect("known"));
    let cached = cache.layer(layer);
    read(&cached).await.expect("good");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    let entry = std::fs::File::open(&path).expect("there");
    entry.set_modified(long_ago).expect("set");
    read(&cached).await.expect("good");
    let used = || entry.metadata().expect("there").modified().expect("known");
    let noted = async {
        while used() == long_ago {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), noted)
        .await
        .expect("the use is noted");
}

#[test]
fn a_place_that_is_taken_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("file");
    std::fs::write(&path, "no directory").expect("written");
    let error = Cache::open(&path, CacheOptions::default()).expect_err("no cache");
    assert!(matches!(error, wharf_cache::Error::Io { .. }), "{error:?}");
}

/// Other people's files are neither counted nor removed.
#[tokio::test]
async fn what_is_no_entry_is_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let cache = cache(dir.path());
    for name in ["notes", "sha256:short", ".wharf-left"] {
        std::fs::write(dir.path().join(name), "something").expect("written");
    }
    read(&cache.layer(random::layer(1, 1000))).await.expect("good");
    assert_eq!(cache.usage().await.expect("usage").blobs, 1);
    assert_eq!(cache.trim(0).await.expect("trimmed").removed, 1);
    assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 3);
}
