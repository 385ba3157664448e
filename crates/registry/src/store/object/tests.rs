//! Tests of the store in a bucket.

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;

use super::*;
use crate::store::conformance;

fn name() -> RepositoryName {
    "law/bucket".parse().expect("a name")
}

#[tokio::test]
async fn conforms_in_memory() {
    for prefix in ["", "some/where/"] {
        conformance::all(&BucketStore::new(Arc::new(InMemory::new()), prefix)).await;
    }
}

#[tokio::test]
async fn conforms_on_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let bucket = LocalFileSystem::new_with_prefix(dir.path()).expect("a bucket");
    conformance::all(&BucketStore::new(Arc::new(bucket), "registry")).await;
}

/// An upload that goes on at another server is whole, in however many parts.
#[tokio::test]
async fn servers_share_an_upload() {
    let bucket = Arc::new(InMemory::new());
    let servers =
        [1, 2, 3].map(|_| BucketStore::new(Arc::clone(&bucket) as Arc<dyn ObjectStore>, "registry"));
    let content: bytes::Bytes = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let digest = wharf_v1::sha256(&content);
    let id = servers[0]
        .begin_upload(&name(), digest.algorithm())
        .await
        .expect("an upload");
    let mut offset = 0;
    for (server, end) in servers.iter().zip([9_000_000, 9_000_001, content.len()]) {
        let chunk = Chunk::new(ByteStream::from_bytes(content.slice(offset..end))).with_offset(offset as u64);
        let size = server
            .append_upload(&name(), &id, chunk)
            .await
            .expect("an append");
        assert_eq!(size, end as u64);
        offset = end;
    }
    servers[1]
        .finish_upload(&name(), &id, &digest)
        .await
        .expect("a blob");
    for server in &servers {
        let size = server.blob(&name(), &digest).await.expect("there");
        let stream = server.read_blob(&name(), &digest, 0..size).await.expect("there");
        assert!(stream.collect(1 << 30).await.expect("good") == content);
        let gone = server.upload_size(&name(), &id).await;
        assert!(gone.is_err_and(|error| error.is_not_found()));
    }
}

/// What two servers write at the same place is there once.
#[tokio::test]
async fn servers_do_not_write_over_each_other() {
    let bucket = Arc::new(InMemory::new());
    let servers = [1, 2].map(|_| BucketStore::new(Arc::clone(&bucket) as Arc<dyn ObjectStore>, ""));
    let digest = wharf_v1::sha256("same");
    let id = servers[0]
        .begin_upload(&name(), digest.algorithm())
        .await
        .expect("an upload");
    let append = async |at: usize| {
        let chunk = Chunk::new(ByteStream::from_bytes("same")).with_offset(0);
        servers[at].append_upload(&name(), &id, chunk).await
    };
    let (a, b) = futures_util::future::join(append(0), append(1)).await;
    assert!(a.is_ok() || b.is_ok(), "{a:?} {b:?}");
    assert_eq!(servers[0].upload_size(&name(), &id).await.expect("a size"), 4);
    servers[1]
        .finish_upload(&name(), &id, &digest)
        .await
        .expect("a blob");
}

/// No object is left of an upload that ended, well or not.
#[tokio::test]
async fn uploads_leave_nothing_behind() {
    let store = BucketStore::new(Arc::new(InMemory::new()), "");
    let digest = wharf_v1::sha256("content");
    for outcome in 0..3 {
        let id = store
            .begin_upload(&name(), digest.algorithm())
            .await
            .expect("an upload");
        let chunk = Chunk::new(ByteStream::from_bytes("content"));
        store.append_upload(&name(), &id, chunk).await.expect("an append");
        match outcome {
            0 => store.cancel_upload(&name(), &id).await.expect("cancelled"),
            1 => drop(
                store
                    .finish_upload(&name(), &id, &wharf_v1::sha256("other"))
                    .await
                    .expect_err("wrong"),
            ),
            _ => store.finish_upload(&name(), &id, &digest).await.expect("a blob"),
        }
        let left = store
            .objects
            .list(&store.keys.upload(&name(), &id))
            .await
            .expect("a list");
        assert!(left.is_empty(), "{left:?}");
    }
}
