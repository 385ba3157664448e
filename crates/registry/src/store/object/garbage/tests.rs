//! Tests of collecting garbage in a bucket.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use wharf_v1::ByteStream;

use super::*;
use crate::store::{Chunk, Store as _};

fn store() -> BucketStore {
    BucketStore::new(Arc::new(InMemory::new()), "some/where")
}

fn name(text: &str) -> RepositoryName {
    text.parse().expect("a name")
}

/// At once.
fn now() -> BucketGarbageOptions {
    BucketGarbageOptions::default().with_grace(Duration::ZERO)
}

async fn begin(
    store: &BucketStore,
    repository: &RepositoryName,
    content: &'static str,
) -> (UploadId, Digest) {
    let digest = wharf_v1::sha256(content);
    let id = store
        .begin_upload(repository, digest.algorithm())
        .await
        .expect("an upload");
    let chunk = Chunk::new(ByteStream::from_bytes(content));
    store
        .append_upload(repository, &id, chunk)
        .await
        .expect("an append");
    (id, digest)
}

async fn put(store: &BucketStore, repository: &RepositoryName, content: &'static str) -> Digest {
    let (id, digest) = begin(store, repository, content).await;
    store
        .finish_upload(repository, &id, &digest)
        .await
        .expect("a blob");
    digest
}

#[track_caller]
fn is_good(read: Result<bytes::Bytes, Error>, content: &str) {
    assert_eq!(read.expect("there"), content);
}

async fn read(
    store: &BucketStore,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<bytes::Bytes, Error> {
    let size = store.blob(repository, digest).await?;
    let stream = store.read_blob(repository, digest, 0..size).await?;
    Ok(stream.collect(1 << 20).await.expect("good"))
}

async fn set_aside(store: &BucketStore) -> Vec<Path> {
    let list = store.objects.list(&store.keys.garbage()).await.expect("a list");
    list.into_iter().map(|object| object.location).collect()
}

#[tokio::test]
async fn garbage_is_what_no_repository_has() {
    let (store, a, b) = (store(), name("a"), name("b/c"));
    let kept = put(&store, &a, "kept").await;
    let shared = put(&store, &a, "shared").await;
    let gone = put(&store, &a, "gone").await;
    store.mount_blob(&a, &b, &shared).await.expect("mounted");
    for digest in [&shared, &gone] {
        store.delete_blob(&a, digest).await.expect("deleted");
    }
    // What is young stays.
    let none = store.collect_garbage(BucketGarbageOptions::default()).await;
    assert!(none.expect("collected").content.is_empty());
    let want = vec![(gone.clone(), 4)];
    let dry = store.collect_garbage(now().with_dry_run(true)).await;
    assert_eq!(dry.expect("collected").content, want);
    assert!(
        store
            .objects
            .exists(&store.keys.blob(&gone))
            .await
            .expect("asked")
    );
    assert_eq!(
        store.collect_garbage(now()).await.expect("collected").content,
        want
    );
    assert!(
        !store
            .objects
            .exists(&store.keys.blob(&gone))
            .await
            .expect("asked")
    );
    assert!(set_aside(&store).await.is_empty());
    is_good(read(&store, &a, &kept).await, "kept");
    is_good(read(&store, &b, &shared).await, "shared");
    assert_eq!(store.collect_garbage(now()).await.expect("collected").bytes(), 0);
}

#[tokio::test]
async fn uploads_that_nobody_goes_on_with_go() {
    let (store, a) = (store(), name("a"));
    let (id, digest) = begin(&store, &a, "content").await;
    let none = store.collect_garbage(now()).await.expect("collected");
    assert!(none.uploads.is_empty());
    let old = now().with_upload_expiry(Duration::ZERO);
    let dry = store.collect_garbage(old.clone().with_dry_run(true)).await;
    assert_eq!(dry.expect("collected").uploads, [(a.clone(), id.clone())]);
    assert_eq!(store.upload_size(&a, &id).await.expect("there"), 7);
    let gone = store.collect_garbage(old).await.expect("collected");
    assert_eq!(gone.uploads, [(a.clone(), id.clone())]);
    assert!(
        store
            .finish_upload(&a, &id, &digest)
            .await
            .is_err_and(|error| error.is_not_found())
    );
    let left = store.objects.list(&store.keys.upload(&a, &id)).await;
    assert!(left.expect("a list").is_empty());
}

/// An upload may find the content there that a collector is about to take.
#[tokio::test]
async fn content_that_is_uploaded_at_the_same_time_stays() {
    let (store, a) = (store(), name("a"));
    let run = UploadId::random();
    let digest = put(&store, &a, "content").await;
    store.delete_blob(&a, &digest).await.expect("deleted");
    // It ends before the collector takes the content …
    let found = store.unlinked(Duration::ZERO).await.expect("found");
    assert_eq!(found.len(), 1);
    put(&store, &a, "content").await;
    let aside = store.set_aside(&run, found).await.expect("moved");
    assert_eq!(aside.len(), 1);
    assert!(store.settle(aside).await.expect("settled").is_empty());
    is_good(read(&store, &a, &digest).await, "content");
    // … or after that.
    store.delete_blob(&a, &digest).await.expect("deleted");
    let found = store.unlinked(Duration::ZERO).await.expect("found");
    let aside = store.set_aside(&run, found).await.expect("moved");
    put(&store, &a, "content").await;
    is_good(read(&store, &a, &digest).await, "content");
    assert!(store.settle(aside).await.expect("settled").is_empty());
    is_good(read(&store, &a, &digest).await, "content");
    // … or at a server that was killed before it looked again, like the collector: the next run puts it back.
    assert!(set_aside(&store).await.is_empty());
    store
        .set_aside(&run, vec![(digest.clone(), 7)])
        .await
        .expect("moved");
    assert!(read(&store, &a, &digest).await.is_err());
    let garbage = store.collect_garbage(now()).await.expect("collected");
    assert!(garbage.content.is_empty());
    is_good(read(&store, &a, &digest).await, "content");
    // What that collector had aside is still for it to end.
    assert_eq!(set_aside(&store).await.len(), 1);
}

/// What has lost its content meanwhile cannot be mounted, and leaves no link.
#[tokio::test]
async fn content_that_is_gone_is_not_mounted() {
    let (store, a, b) = (store(), name("a"), name("b"));
    let digest = put(&store, &a, "content").await;
    store
        .set_aside(&UploadId::random(), vec![(digest.clone(), 7)])
        .await
        .expect("moved");
    let mounted = store.mount_blob(&a, &b, &digest).await;
    assert!(mounted.is_err_and(|error| error.is_not_found()));
    assert!(
        store
            .blob(&b, &digest)
            .await
            .is_err_and(|error| error.is_not_found())
    );
}

/// Clients ask for a blob by mounting it where it is: that takes no link away while the content is aside.
#[tokio::test]
async fn a_blob_that_is_mounted_where_it_is_keeps_its_link() {
    let (store, a, b) = (store(), name("a"), name("b"));
    let digest = put(&store, &a, "content").await;
    store.mount_blob(&a, &b, &digest).await.expect("mounted");
    let aside = store
        .set_aside(&UploadId::random(), vec![(digest.clone(), 7)])
        .await
        .expect("moved");
    for from in [&a, &b] {
        store.mount_blob(from, &b, &digest).await.expect("there");
    }
    assert!(store.settle(aside).await.expect("settled").is_empty());
    for repository in [&a, &b] {
        is_good(read(&store, repository, &digest).await, "content");
    }
}

/// A bucket with requests that take so many milliseconds.
fn slow(bucket: &Arc<InMemory>, [put, get, delete, list]: [u64; 4]) -> BucketStore {
    let config = ThrottleConfig {
        wait_put_per_call: Duration::from_millis(put),
        wait_get_per_call: Duration::from_millis(get),
        wait_delete_per_call: Duration::from_millis(delete),
        wait_list_per_call: Duration::from_millis(list),
        ..ThrottleConfig::default()
    };
    let bucket = ThrottledStore::new(Arc::clone(bucket) as Arc<dyn ObjectStore>, config);
    BucketStore::new(Arc::new(bucket), "")
}

/// Collectors and servers at the same time, whose requests meet in ever new ways: what was reported as stored is there
/// in the end.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_while_servers_work() {
    const CONTENTS: [&str; 3] = ["one", "two", "three"];
    for pace in 0..10 {
        let bucket = Arc::new(InMemory::new());
        let mut servers = tokio::task::JoinSet::new();
        for (at, repository) in ["a", "b"].into_iter().enumerate() {
            let store = slow(
                &bucket,
                [5 + 9 * (pace % 6) + at as u64, 3 + pace % 7, 2, 1 + pace % 3],
            );
            let repository = name(repository);
            servers.spawn(async move {
                for round in 0..60 {
                    let content = CONTENTS[round % CONTENTS.len()];
                    let digest = put(&store, &repository, content).await;
                    is_good(read_patiently(&store, &repository, &digest).await, content);
                    if round < 57 {
                        store.delete_blob(&repository, &digest).await.expect("deleted");
                    }
                }
            });
        }
        let mut collectors = tokio::task::JoinSet::new();
        for at in 0..2 {
            let store = slow(&bucket, [1 + pace % 4, 1 + pace % 5, 7 + pace % 11, 2 + at]);
            collectors.spawn(async move {
                loop {
                    store.collect_garbage(now()).await.expect("collected");
                }
            });
        }
        while let Some(done) = servers.join_next().await {
            done.expect("a server");
        }
        // A collector that is stopped in the middle leaves things aside, which the next one puts back.
        collectors.shutdown().await;
        let store = BucketStore::new(bucket, "");
        store.collect_garbage(now()).await.expect("collected");
        for repository in ["a", "b"] {
            for content in CONTENTS {
                let read = read(&store, &name(repository), &wharf_v1::sha256(content)).await;
                is_good(read, content);
            }
        }
    }
}

/// Content that a collector has just set aside comes back when it has looked for links.
async fn read_patiently(
    store: &BucketStore,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<bytes::Bytes, Error> {
    for _ in 0..1000 {
        if let Ok(bytes) = read(store, repository, digest).await {
            return Ok(bytes);
        }
    }
    read(store, repository, digest).await
}
