//! Tests of the store in memory.

use std::time::Duration;

use super::*;
use crate::store::conformance;

fn name() -> RepositoryName {
    "a".parse().expect("a name")
}

fn chunk(bytes: &'static str) -> Chunk {
    Chunk::new(ByteStream::from_bytes(bytes))
}

#[tokio::test]
async fn conforms() {
    conformance::all(&MemoryStore::new()).await;
}

#[tokio::test]
async fn capacity_is_given_back() {
    let store = MemoryStore::with_options(MemoryOptions::default().with_capacity(10));
    let digest = wharf_v1::sha256("012345678");
    for _ in 0..3 {
        let id = store
            .begin_upload(&name(), &DigestAlgorithm::Sha256)
            .await
            .expect("an upload");
        store
            .append_upload(&name(), &id, chunk("012345678"))
            .await
            .expect("room");
        let more = store.append_upload(&name(), &id, chunk("ab")).await;
        assert!(matches!(more, Err(Error::Full(_))), "{more:?}");
        assert_eq!(store.upload_size(&name(), &id).await.expect("a size"), 9);
        store.finish_upload(&name(), &id, &digest).await.expect("a blob");
        let manifest = NewManifest::new(wharf_v1::sha256("ab"), "text/plain", "ab");
        let put = store.put_manifest(&name(), manifest).await;
        assert!(matches!(put, Err(Error::Full(_))), "{put:?}");
        store.delete_blob(&name(), &digest).await.expect("deleted");
        assert_eq!(store.state().contents.used(), 0);
        let id = store
            .begin_upload(&name(), &DigestAlgorithm::Sha256)
            .await
            .expect("an upload");
        store
            .append_upload(&name(), &id, chunk("01234567"))
            .await
            .expect("room");
        store.cancel_upload(&name(), &id).await.expect("cancelled");
        assert_eq!(store.state().contents.used(), 0);
    }
    for _ in 0..3 {
        let manifest = NewManifest::new(wharf_v1::sha256("ab"), "text/plain", "ab");
        store.put_manifest(&name(), manifest).await.expect("room");
        assert_eq!(store.state().contents.used(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn uploads_are_bounded_and_idle_ones_expire() {
    let options = MemoryOptions::default()
        .with_max_uploads(2)
        .with_upload_expiry(Duration::from_secs(60));
    let store = MemoryStore::with_options(options);
    let here = name();
    let begin = || store.begin_upload(&here, &DigestAlgorithm::Sha256);
    let (first, second) = (begin().await.expect("room"), begin().await.expect("room"));
    assert!(matches!(begin().await, Err(Error::TooManyUploads)));
    tokio::time::advance(Duration::from_secs(40)).await;
    store
        .append_upload(&name(), &second, chunk("foo"))
        .await
        .expect("an append");
    tokio::time::advance(Duration::from_secs(40)).await;
    begin().await.expect("the place of the idle one");
    assert!(store.upload_size(&name(), &first).await.is_err());
    assert_eq!(store.upload_size(&name(), &second).await.expect("still there"), 3);
    assert!(matches!(begin().await, Err(Error::TooManyUploads)));
}
