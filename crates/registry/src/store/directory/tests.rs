//! Tests of the store in a directory.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use oci_spec::image::Digest;
use wharf_v1::ByteStream;

use super::*;
use crate::store::{Chunk, NewManifest, Referrer, Store as _, StoredManifest, conformance};

fn name() -> RepositoryName {
    "a/b".parse().expect("a name")
}

fn chunk(bytes: &'static str) -> Chunk {
    Chunk::new(ByteStream::from_bytes(bytes))
}

async fn open(dir: &tempfile::TempDir) -> DirectoryStore {
    DirectoryStore::open(dir.path().join("deep/store"))
        .await
        .expect("a store")
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[tokio::test]
async fn conforms() {
    let dir = dir();
    conformance::all(&open(&dir).await).await;
    let left = fs::read_dir(dir.path().join("deep/store/tmp"))
        .expect("tmp")
        .count();
    assert_eq!(left, 0, "temporary files that were left behind");
}

#[tokio::test]
async fn what_is_stored_survives_a_restart() {
    let dir = dir();
    let store = open(&dir).await;
    let digest = wharf_v1::sha256("foobar");
    let id = store
        .begin_upload(&name(), &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    store
        .append_upload(&name(), &id, chunk("foo"))
        .await
        .expect("an append");
    let mut manifest = NewManifest::new(wharf_v1::sha256("m"), "text/plain", "m");
    manifest.tags.push("latest".parse().expect("a tag"));
    let referrer = Referrer::new("text/plain", manifest.digest.clone(), 1);
    let manifest = manifest.with_subject(digest.clone(), referrer.clone());
    store.put_manifest(&name(), manifest.clone()).await.expect("put");
    drop(store);

    let store = open(&dir).await;
    assert_eq!(
        store
            .append_upload(&name(), &id, chunk("bar"))
            .await
            .expect("an append"),
        6
    );
    store.finish_upload(&name(), &id, &digest).await.expect("a blob");
    drop(store);

    let store = open(&dir).await;
    assert_eq!(store.blob(&name(), &digest).await.expect("a blob"), 6);
    let tag = "latest".parse().expect("a tag");
    assert_eq!(store.tag(&name(), &tag).await.expect("a tag"), manifest.digest);
    let read = store
        .read_manifest(&name(), &manifest.digest)
        .await
        .expect("a manifest");
    assert_eq!(read, StoredManifest::new("text/plain", "m"));
    assert_eq!(
        store.referrers(&name(), &digest).await.expect("referrers"),
        [referrer]
    );
}

#[tokio::test]
async fn two_stores_on_one_directory_share_everything() {
    let dir = dir();
    let (one, two) = (open(&dir).await, open(&dir).await);
    let id = one
        .begin_upload(&name(), &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    // In turns: neither has hashed all of it.
    assert_eq!(
        one.append_upload(&name(), &id, chunk("fo"))
            .await
            .expect("an append"),
        2
    );
    assert_eq!(
        two.append_upload(&name(), &id, chunk("ob"))
            .await
            .expect("an append"),
        4
    );
    assert_eq!(
        one.append_upload(&name(), &id, chunk("ar"))
            .await
            .expect("an append"),
        6
    );
    two.finish_upload(&name(), &id, &wharf_v1::sha256("foobar"))
        .await
        .expect("a blob");
    assert!(matches!(
        one.append_upload(&name(), &id, chunk("!")).await,
        Err(Error::UploadUnknown { .. })
    ));
    assert_eq!(
        one.blob(&name(), &wharf_v1::sha256("foobar"))
            .await
            .expect("a blob"),
        6
    );
}

#[tokio::test]
async fn an_upload_that_another_process_writes_is_busy() {
    let dir = dir();
    let store = open(&dir).await;
    let id = store
        .begin_upload(&name(), &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    let file = fs::File::open(store.layout.repository(&name()).upload(&id)).expect("the upload's file");
    file.lock().expect("a lock");
    assert!(matches!(
        store.append_upload(&name(), &id, chunk("foo")).await,
        Err(Error::UploadBusy)
    ));
    assert!(matches!(
        store.finish_upload(&name(), &id, &wharf_v1::sha256("")).await,
        Err(Error::UploadBusy)
    ));
    file.unlock().expect("unlocked");
    store
        .append_upload(&name(), &id, chunk("foo"))
        .await
        .expect("an append");
}

#[tokio::test]
async fn what_was_left_behind_is_removed() {
    let dir = dir();
    let store = open(&dir).await;
    let id = store
        .begin_upload(&name(), &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    fs::write(store.layout.tmp().join("fresh"), "").expect("a file");
    let stale = store.layout.tmp().join("stale");
    fs::write(&stale, "").expect("a file");
    let old = std::time::SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    fs::File::open(&stale)
        .and_then(|file| file.set_modified(old))
        .expect("an old file");
    let locked = store
        .begin_upload(&name(), &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    let _lock = fs::File::open(store.layout.repository(&name()).upload(&locked)).expect("a file");
    _lock.lock().expect("a lock");

    let options = DirectoryOptions::default().with_upload_expiry(Duration::ZERO);
    let store = DirectoryStore::open_with(store.path(), options)
        .await
        .expect("a store");
    assert!(store.layout.tmp().join("fresh").exists());
    assert!(!stale.exists());
    assert!(store.upload_size(&name(), &id).await.is_err());
    assert_eq!(store.upload_size(&name(), &locked).await.expect("in use"), 0);
}

#[tokio::test]
async fn what_was_interrupted_cannot_be_seen() {
    let dir = dir();
    let store = open(&dir).await;
    let subject = wharf_v1::sha256("subject");
    let manifest = NewManifest::new(wharf_v1::sha256("m"), "text/plain", "m");
    let referrer = Referrer::new("text/plain", manifest.digest.clone(), 1);
    let manifest = manifest
        .with_subject(subject.clone(), referrer)
        .with_tag("latest".parse().expect("a tag"));
    store.put_manifest(&name(), manifest.clone()).await.expect("put");
    // As if the put had stopped before the link, or the content were gone.
    let paths = store.layout.repository(&name());
    fs::remove_file(paths.manifest(&manifest.digest).expect("a path")).expect("removed");
    assert_eq!(store.referrers(&name(), &subject).await.expect("referrers"), []);
    assert!(
        store
            .manifest(&name(), &manifest.digest)
            .await
            .is_err_and(|error| error.is_not_found())
    );
    // A blob that is linked without content is not there either.
    disk::touch(&paths.blob(&subject).expect("a path")).expect("a link");
    assert!(
        store
            .blob(&name(), &subject)
            .await
            .is_err_and(|error| error.is_not_found())
    );
    assert!(
        store
            .read_blob(&name(), &subject, 0..1)
            .await
            .is_err_and(|error| error.is_not_found())
    );
}

#[tokio::test]
async fn a_directory_of_a_later_version_is_refused() {
    let dir = dir();
    let store = open(&dir).await;
    fs::write(store.layout.version(), "2\n").expect("written");
    assert!(matches!(
        DirectoryStore::open(store.path()).await,
        Err(Error::Io(_))
    ));
    fs::write(dir.path().join("file"), "").expect("written");
    assert!(DirectoryStore::open(dir.path().join("file")).await.is_err());
}

/// Bytes that count how many of their kind there are.
struct Counted {
    bytes: Vec<u8>,
    live: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.live.fetch_sub(self.bytes.len(), Ordering::SeqCst);
    }
}

#[tokio::test]
async fn an_upload_keeps_few_bytes_in_memory() {
    const PIECE: usize = 64 << 10;
    const PIECES: u64 = 1024;
    let (live, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let pieces = (0..PIECES).map({
        let (live, peak) = (Arc::clone(&live), Arc::clone(&peak));
        move |_| {
            let now = live.fetch_add(PIECE, Ordering::SeqCst) + PIECE;
            peak.fetch_max(now, Ordering::SeqCst);
            Ok(Bytes::from_owner(Counted {
                bytes: vec![0; PIECE],
                live: Arc::clone(&live),
            }))
        }
    });
    let dir = dir();
    let store = open(&dir).await;
    let id = store
        .begin_upload(&name(), &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    let chunk = Chunk::new(ByteStream::new(futures_util::stream::iter(pieces)));
    let size = store.append_upload(&name(), &id, chunk).await.expect("an append");
    assert_eq!(size, PIECES * PIECE as u64);
    assert_eq!(live.load(Ordering::SeqCst), 0);
    let peak = peak.load(Ordering::SeqCst);
    assert!(peak <= 1 << 20, "{peak} bytes of {size} were in memory at once");
}

/// Puts a blob, and says its digest.
async fn put_blob(store: &DirectoryStore, bytes: &'static str) -> Digest {
    let digest = wharf_v1::sha256(bytes);
    let id = store
        .begin_upload(&name(), &DigestAlgorithm::Sha256)
        .await
        .expect("an upload");
    store
        .append_upload(&name(), &id, chunk(bytes))
        .await
        .expect("an append");
    store
        .finish_upload(&name(), &id, &digest)
        .await
        .expect("finished");
    digest
}

/// Puts a manifest of a type that nobody knows, which names some digests, and says its own.
async fn put_manifest(store: &DirectoryStore, names: &[&Digest], tag: Option<&str>) -> Digest {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let raw = format!("{{\"of\":{names:?}}}");
    let mut manifest = NewManifest::new(wharf_v1::sha256(&raw), "application/vnd.example+json", raw);
    manifest.tags.extend(tag.map(|tag| tag.parse().expect("a tag")));
    let digest = manifest.digest.clone();
    store.put_manifest(&name(), manifest).await.expect("put");
    digest
}

#[tokio::test]
async fn garbage_is_what_nothing_names() {
    let dir = dir();
    let path = dir.path().join("deep/store");
    let store = open(&dir).await;
    let (config, lost, late) = (
        put_blob(&store, "config").await,
        put_blob(&store, "lost").await,
        put_blob(&store, "late").await,
    );
    let child = put_manifest(&store, &[&config], None).await;
    let index = put_manifest(&store, &[&child], Some("v1")).await;
    let untagged = put_manifest(&store, &[&late], None).await;
    // An artifact about what is tagged stays with it.
    let raw = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],"subject":{{"digest":"{index}"}}}}"#
    );
    let about = NewManifest::new(
        wharf_v1::sha256(&raw),
        "application/vnd.oci.image.manifest.v1+json",
        raw,
    );
    let about_digest = about.digest.clone();
    store.put_manifest(&name(), about).await.expect("put");

    let now = GarbageOptions::default().with_grace(Duration::ZERO);
    let in_use = DirectoryStore::collect_garbage(&path, now.clone()).await;
    assert!(matches!(in_use, Err(Error::InUse)), "{in_use:?}");
    drop(store);

    let young = DirectoryStore::collect_garbage(&path, GarbageOptions::default().with_untagged(true)).await;
    let young = young.expect("collected");
    assert!(young.manifests.is_empty() && young.blobs.is_empty() && young.content.is_empty());

    let collected = DirectoryStore::collect_garbage(&path, now.clone())
        .await
        .expect("collected");
    assert_eq!(collected.blobs, [(name(), lost.clone())]);
    assert_eq!(collected.content, [(lost, 4)]);
    assert!(collected.manifests.is_empty());

    let all = now.with_untagged(true);
    let told = DirectoryStore::collect_garbage(&path, all.clone().with_dry_run(true))
        .await
        .expect("told");
    let collected = DirectoryStore::collect_garbage(&path, all.clone())
        .await
        .expect("collected");
    assert_eq!(told.manifests, collected.manifests);
    assert_eq!(collected.manifests, [(name(), untagged)]);
    assert_eq!(collected.blobs, [(name(), late)]);
    let nothing = DirectoryStore::collect_garbage(&path, all)
        .await
        .expect("collected");
    assert_eq!(nothing.bytes(), 0);

    let store = open(&dir).await;
    assert_eq!(store.blob(&name(), &config).await.expect("kept"), 6);
    for digest in [child, index, about_digest] {
        store.manifest(&name(), &digest).await.expect("kept");
    }
}

#[tokio::test]
async fn only_a_store_has_garbage() {
    let dir = dir();
    let collected = DirectoryStore::collect_garbage(dir.path(), GarbageOptions::default()).await;
    assert!(matches!(collected, Err(Error::Io(_))), "{collected:?}");
    assert_eq!(
        fs::read_dir(dir.path()).expect("directory").count(),
        0,
        "something was made"
    );
}
