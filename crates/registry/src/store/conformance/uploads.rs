//! Laws of blobs and uploads.

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use oci_spec::image::DigestAlgorithm;
use tokio::sync::oneshot;
use wharf_v1::ByteStream;

use crate::store::{Chunk, Error, Store, UploadId};

use super::{blob, bytes, digest_with, read, repository, tag};

/// What was never stored is unknown, each in its own way.
///
/// # Panics
/// If the store breaks the law.
pub async fn what_is_absent_is_unknown(store: &dyn Store) {
    let name = repository("law/absent");
    let digest = wharf_v1::sha256("absent");
    let id = UploadId::random();
    let blob = [
        store.blob(&name, &digest).await.map(drop),
        store.read_blob(&name, &digest, 0..0).await.map(drop),
        store.delete_blob(&name, &digest).await,
        store.mount_blob(&name, &repository("law/other"), &digest).await,
    ];
    assert!(
        blob.iter()
            .all(|result| matches!(result, Err(Error::BlobUnknown { .. }))),
        "{blob:?}"
    );
    let manifest = [
        store.manifest(&name, &digest).await.map(drop),
        store.read_manifest(&name, &digest).await.map(drop),
        store.delete_manifest(&name, &digest).await,
        store.tag(&name, &tag("absent")).await.map(drop),
        store.delete_tag(&name, &tag("absent")).await,
    ];
    assert!(
        manifest
            .iter()
            .all(|result| matches!(result, Err(Error::ManifestUnknown { .. }))),
        "{manifest:?}"
    );
    let upload = [
        store.upload_size(&name, &id).await.map(drop),
        store.append_upload(&name, &id, bytes("foo")).await.map(drop),
        store.finish_upload(&name, &id, &digest).await,
        store.cancel_upload(&name, &id).await,
    ];
    assert!(
        upload
            .iter()
            .all(|result| matches!(result, Err(Error::UploadUnknown { .. }))),
        "{upload:?}"
    );
    assert_eq!(store.referrers(&name, &digest).await.expect("none"), []);
}

/// A blob has the size and bytes that were uploaded in however many chunks, whole and in part.
///
/// # Panics
/// If the store breaks the law.
pub async fn a_blob_is_what_was_uploaded(store: &dyn Store) {
    let name = repository("law/blob");
    let content: Bytes = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let digest = wharf_v1::sha256(&content);
    let id = store
        .begin_upload(&name, digest.algorithm())
        .await
        .expect("an upload");
    assert_eq!(store.upload_size(&name, &id).await.expect("a size"), 0);
    for (start, end) in [(0, 1), (1, 1), (1, 70_000), (70_000, content.len())] {
        let chunk = bytes(content.slice(start..end))
            .with_offset(start as u64)
            .with_length((end - start) as u64);
        assert_eq!(
            store.append_upload(&name, &id, chunk).await.expect("a size"),
            end as u64
        );
        assert_eq!(store.upload_size(&name, &id).await.expect("a size"), end as u64);
    }
    store.finish_upload(&name, &id, &digest).await.expect("a blob");
    assert_eq!(
        store.blob(&name, &digest).await.expect("a size"),
        content.len() as u64
    );
    assert!(read(store, &name, &digest).await == content, "the whole blob");
    for (start, end) in [
        (0, 0),
        (0, 1),
        (65_535, 65_537),
        (131_071, 400_000),
        (799_999, 800_000),
    ] {
        let part = store
            .read_blob(&name, &digest, start as u64..end as u64)
            .await
            .expect("a part");
        assert!(
            part.collect(800_000).await.expect("its bytes") == content.slice(start..end),
            "{start}..{end}"
        );
    }
    let gone = store.append_upload(&name, &id, bytes("foo")).await;
    assert!(matches!(gone, Err(Error::UploadUnknown { .. })), "{gone:?}");
}

/// A repository has only what was stored in it, and loses it alone. An upload that is cancelled is gone.
///
/// # Panics
/// If the store breaks the law.
pub async fn a_repository_has_only_its_own(store: &dyn Store) {
    let (mine, yours) = (repository("law/mine"), repository("law/mine/yours"));
    let digest = blob(store, &mine, b"own").await;
    assert!(
        store
            .blob(&yours, &digest)
            .await
            .is_err_and(|error| error.is_not_found())
    );
    blob(store, &yours, b"own").await;
    store.delete_blob(&mine, &digest).await.expect("deleted");
    assert!(
        store
            .blob(&mine, &digest)
            .await
            .is_err_and(|error| error.is_not_found())
    );
    assert_eq!(read(store, &yours, &digest).await, "own");
    let id = store
        .begin_upload(&mine, &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    store.cancel_upload(&mine, &id).await.expect("cancelled");
    assert!(
        store
            .upload_size(&mine, &id)
            .await
            .is_err_and(|error| error.is_not_found())
    );
}

/// Nobody reaches an upload through another repository: not to learn of it, nor to write to it, end it
/// or throw it away. Not even once its own repository has written to it.
///
/// # Panics
/// If the store breaks the law.
pub async fn an_upload_is_of_one_repository(store: &dyn Store) {
    let (mine, yours) = (repository("law/upload/mine"), repository("law/upload/yours"));
    let digest = wharf_v1::sha256("foobar");
    let id = store
        .begin_upload(&mine, digest.algorithm())
        .await
        .expect("an upload");
    for (chunk, size) in [("foo", 3), ("bar", 6)] {
        let strange = [
            store.upload_size(&yours, &id).await.map(drop),
            store.append_upload(&yours, &id, bytes("baz")).await.map(drop),
            store.finish_upload(&yours, &id, &digest).await,
            store.cancel_upload(&yours, &id).await,
        ];
        assert!(
            strange
                .iter()
                .all(|result| matches!(result, Err(Error::UploadUnknown { .. }))),
            "{strange:?}"
        );
        assert_eq!(
            store
                .append_upload(&mine, &id, bytes(chunk))
                .await
                .expect("an append"),
            size
        );
    }
    store.finish_upload(&mine, &id, &digest).await.expect("a blob");
    assert_eq!(read(store, &mine, &digest).await, "foobar");
    assert!(
        store
            .blob(&yours, &digest)
            .await
            .is_err_and(|error| error.is_not_found())
    );
}

/// A blob that is mounted is a blob like one that was uploaded.
///
/// # Panics
/// If the store breaks the law.
pub async fn mounting_shares_a_blob(store: &dyn Store) {
    let (from, to) = (repository("law/mount/from"), repository("law/mount/to"));
    let digest = blob(store, &from, b"mounted").await;
    store.mount_blob(&from, &to, &digest).await.expect("mounted");
    store
        .mount_blob(&from, &to, &digest)
        .await
        .expect("mounted again");
    store.delete_blob(&from, &digest).await.expect("deleted");
    assert_eq!(read(store, &to, &digest).await, "mounted");
    store.delete_blob(&to, &digest).await.expect("deleted");
    assert!(
        store
            .blob(&to, &digest)
            .await
            .is_err_and(|error| error.is_not_found())
    );
}

/// An upload can be finished with another algorithm than it was begun for.
///
/// # Panics
/// If the store breaks the law.
pub async fn any_algorithm_finishes_an_upload(store: &dyn Store) {
    let name = repository("law/algorithms");
    for begun in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
        for finished in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            for content in [&b""[..], b"content"] {
                let digest = digest_with(&finished, content);
                let id = store.begin_upload(&name, &begun).await.expect("an upload");
                store
                    .append_upload(&name, &id, bytes(content.to_vec()))
                    .await
                    .expect("an append");
                store.finish_upload(&name, &id, &digest).await.expect("a blob");
                assert_eq!(read(store, &name, &digest).await, content);
            }
        }
    }
}

/// Bytes with another digest than promised are not stored, and the upload is gone.
///
/// # Panics
/// If the store breaks the law.
pub async fn a_wrong_digest_stores_nothing(store: &dyn Store) {
    let name = repository("law/wrong");
    let (want, got) = (wharf_v1::sha256("promised"), wharf_v1::sha256("sent"));
    let id = store
        .begin_upload(&name, want.algorithm())
        .await
        .expect("an upload");
    store
        .append_upload(&name, &id, bytes("sent"))
        .await
        .expect("an append");
    let finished = store.finish_upload(&name, &id, &want).await;
    assert!(
        matches!(&finished, Err(Error::DigestMismatch { got: g, want: w }) if *g == got && *w == want),
        "{finished:?}"
    );
    for digest in [&want, &got] {
        assert!(
            store
                .blob(&name, digest)
                .await
                .is_err_and(|error| error.is_not_found())
        );
    }
    assert!(
        store
            .upload_size(&name, &id)
            .await
            .is_err_and(|error| error.is_not_found())
    );
}

/// A chunk at the wrong place, or of the wrong length, leaves the upload as it was.
///
/// # Panics
/// If the store breaks the law.
pub async fn a_misplaced_chunk_changes_nothing(store: &dyn Store) {
    let name = repository("law/misplaced");
    let id = store
        .begin_upload(&name, &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    store
        .append_upload(&name, &id, bytes("foo"))
        .await
        .expect("an append");
    for offset in [0, 2, 4, u64::MAX] {
        let misplaced = store
            .append_upload(&name, &id, bytes("bar").with_offset(offset))
            .await;
        assert!(
            matches!(misplaced, Err(Error::UploadOffset { got, want: 3 }) if got == offset),
            "{misplaced:?}"
        );
    }
    let long = Bytes::from(vec![7; 700_000]);
    for (chunk, length) in [
        (Bytes::from("bar"), 2),
        (Bytes::from("bar"), 4),
        (long.clone(), 699_999),
        (long, 700_001),
    ] {
        let wrong = store
            .append_upload(&name, &id, bytes(chunk).with_length(length))
            .await;
        assert!(
            matches!(wrong, Err(Error::UploadLength { want, .. }) if want == length),
            "{wrong:?}"
        );
        assert_eq!(store.upload_size(&name, &id).await.expect("a size"), 3);
    }
    store
        .append_upload(&name, &id, bytes("bar").with_offset(3))
        .await
        .expect("an append");
    store
        .finish_upload(&name, &id, &wharf_v1::sha256("foobar"))
        .await
        .expect("a blob");
}

/// What came of a chunk before its client's stream failed is kept.
///
/// # Panics
/// If the store breaks the law.
pub async fn a_chunk_that_breaks_off_is_kept(store: &dyn Store) {
    let name = repository("law/broken");
    let id = store
        .begin_upload(&name, &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    let pieces = [Ok(Bytes::from("foo")), Err(wharf_v1::Error::Consumed)];
    let broken = store
        .append_upload(&name, &id, Chunk::new(ByteStream::new(stream::iter(pieces))))
        .await;
    assert!(matches!(broken, Err(Error::Client(_))), "{broken:?}");
    assert_eq!(store.upload_size(&name, &id).await.expect("a size"), 3);
    store
        .append_upload(&name, &id, bytes("bar").with_offset(3))
        .await
        .expect("an append");
    store
        .finish_upload(&name, &id, &wharf_v1::sha256("foobar"))
        .await
        .expect("a blob");
}

/// A second append ends one that still waits for its client, and goes on after what that one had.
///
/// # Panics
/// If the store breaks the law.
pub async fn the_latest_append_takes_over(store: &dyn Store) {
    let name = repository("law/latest");
    let id = store
        .begin_upload(&name, &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    let (started, has_started) = oneshot::channel();
    let (chunk, _keep) = stalled("foo", started);
    let first = store.append_upload(&name, &id, chunk);
    let second = async {
        has_started.await.expect("the first append reads");
        store.append_upload(&name, &id, bytes("bar")).await
    };
    let (first, second) = futures_util::future::join(first, second).await;
    assert!(matches!(first, Err(Error::UploadBusy)), "{first:?}");
    assert_eq!(second.expect("an append"), 6);
    store
        .finish_upload(&name, &id, &wharf_v1::sha256("foobar"))
        .await
        .expect("a blob");
}

/// An append whose future is dropped leaves an upload that can be gone on with at its size.
///
/// # Panics
/// If the store breaks the law.
pub async fn an_abandoned_append_can_be_gone_on_with(store: &dyn Store) {
    let name = repository("law/abandoned");
    let id = store
        .begin_upload(&name, &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    let (started, has_started) = oneshot::channel();
    let (chunk, _keep) = stalled("foo", started);
    tokio::select! {
        _ = store.append_upload(&name, &id, chunk) => panic!("the client never ends"),
        () = async { has_started.await.expect("the append reads") } => {}
    }
    let content = b"foobar";
    let kept = store.upload_size(&name, &id).await.expect("a size");
    let rest = content[usize::try_from(kept).expect("no more than was sent")..].to_vec();
    assert_eq!(
        store
            .append_upload(&name, &id, bytes(rest))
            .await
            .expect("an append"),
        6
    );
    store
        .finish_upload(&name, &id, &wharf_v1::sha256(content))
        .await
        .expect("a blob");
}

/// The same blob can be uploaded many times at once.
///
/// # Panics
/// If the store breaks the law.
pub async fn uploads_at_once_of_one_blob_all_succeed(store: &dyn Store) {
    let name = repository("law/at-once");
    let content = vec![42; 300_000];
    let digests = join_all((0..8).map(|_| blob(store, &name, &content))).await;
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(read(store, &name, &digests[0]).await == content);
}

/// A chunk whose client stops after some bytes, and tells when it did. It stops for as long as the
/// second value is there.
fn stalled(content: &'static str, started: oneshot::Sender<()>) -> (Chunk, oneshot::Sender<()>) {
    let (keep, released) = oneshot::channel::<()>();
    let first = stream::iter([Ok(Bytes::from_static(content.as_bytes()))]);
    let rest = stream::once(async move {
        let _ = started.send(());
        let _ = released.await;
        Err(wharf_v1::Error::Consumed)
    });
    (Chunk::new(ByteStream::new(first.chain(rest))), keep)
}
