//! Laws of manifests, tags and referrers.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use oci_spec::image::DigestAlgorithm;

use crate::store::{Error, ManifestInfo, NewManifest, Referrer, Store, StoredManifest};

use super::{digest_with, repository, tag};

fn manifest(content: &'static str) -> NewManifest {
    NewManifest::new(wharf_v1::sha256(content), "text/plain", content)
}

/// A manifest has the bytes and the media type that it was put with last, in its repository only.
///
/// # Panics
/// If the store breaks the law.
pub async fn a_manifest_is_what_was_put(store: &dyn Store) {
    let name = repository("law/manifest");
    for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
        let digest = digest_with(&algorithm, b"content");
        for media_type in ["text/plain", "application/json"] {
            let new = NewManifest::new(digest.clone(), media_type, "content").with_tag(tag("latest"));
            store.put_manifest(&name, new).await.expect("put");
            let read = store.read_manifest(&name, &digest).await.expect("a manifest");
            assert_eq!(read, StoredManifest::new(media_type, "content"));
            let info = store.manifest(&name, &digest).await.expect("a manifest");
            assert_eq!(info, ManifestInfo::new(media_type, 7));
            assert_eq!(store.tag(&name, &tag("latest")).await.expect("a tag"), digest);
        }
        assert!(
            store
                .manifest(&repository("law/no-manifest"), &digest)
                .await
                .is_err()
        );
        assert!(store.blob(&name, &digest).await.is_err(), "a manifest is no blob");
    }
}

/// A manifest that is deleted takes along its tags and no others.
///
/// # Panics
/// If the store breaks the law.
pub async fn deleting_a_manifest_deletes_its_tags(store: &dyn Store) {
    let name = repository("law/delete");
    let (one, other) = (manifest("one"), manifest("other"));
    store
        .put_manifest(&name, one.clone().with_tag(tag("a")).with_tag(tag("b")))
        .await
        .expect("put");
    store
        .put_manifest(&name, other.clone().with_tag(tag("c")))
        .await
        .expect("put");
    store.delete_manifest(&name, &one.digest).await.expect("deleted");
    for gone in ["a", "b"] {
        let found = store.tag(&name, &tag(gone)).await;
        assert!(matches!(found, Err(Error::ManifestUnknown { .. })), "{found:?}");
    }
    assert!(
        store
            .delete_manifest(&name, &one.digest)
            .await
            .is_err_and(|error| error.is_not_found())
    );
    assert_eq!(store.tag(&name, &tag("c")).await.expect("a tag"), other.digest);
    store.put_manifest(&name, one.clone()).await.expect("put again");
    store.manifest(&name, &one.digest).await.expect("there again");
}

/// A tag that is deleted leaves the manifest and its other tags.
///
/// # Panics
/// If the store breaks the law.
pub async fn deleting_a_tag_deletes_only_that(store: &dyn Store) {
    let name = repository("law/untag");
    let one = manifest("one");
    store
        .put_manifest(&name, one.clone().with_tag(tag("a")).with_tag(tag("b")))
        .await
        .expect("put");
    store.delete_tag(&name, &tag("a")).await.expect("deleted");
    assert!(
        store
            .tag(&name, &tag("a"))
            .await
            .is_err_and(|error| error.is_not_found())
    );
    assert!(
        store
            .delete_tag(&name, &tag("a"))
            .await
            .is_err_and(|error| error.is_not_found())
    );
    assert_eq!(store.tag(&name, &tag("b")).await.expect("a tag"), one.digest);
}

/// A referrer is listed once from when its manifest is put until it is deleted, whether or not the
/// subject is there.
///
/// # Panics
/// If the store breaks the law.
pub async fn referrers_are_there_while_their_manifest_is(store: &dyn Store) {
    let name = repository("law/referrers");
    let subject = wharf_v1::sha256("subject");
    let mut want = Vec::new();
    for content in ["a", "b", "c"] {
        let new = manifest(content);
        let annotations = BTreeMap::from([("content".to_owned(), content.to_owned())]);
        let referrer = Referrer::new("text/plain", new.digest.clone(), 1)
            .with_artifact_type(content)
            .with_annotations(annotations);
        want.push(referrer.clone());
        for _ in 0..2 {
            let again = new.clone().with_subject(subject.clone(), referrer.clone());
            store.put_manifest(&name, again).await.expect("put");
        }
    }
    want.sort_by_key(|referrer| referrer.digest.to_string());
    assert_eq!(store.referrers(&name, &subject).await.expect("referrers"), want);
    assert_eq!(
        store.referrers(&name, &want[0].digest).await.expect("referrers"),
        []
    );
    assert_eq!(
        store
            .referrers(&repository("law/none"), &subject)
            .await
            .expect("referrers"),
        []
    );
    let gone = want.remove(1);
    store.delete_manifest(&name, &gone.digest).await.expect("deleted");
    assert_eq!(store.referrers(&name, &subject).await.expect("referrers"), want);
}

/// Whoever wins when a tag is put many times at once, it points at a manifest that is there.
///
/// # Panics
/// If the store breaks the law.
pub async fn a_tag_that_is_put_at_once_is_whole(store: &dyn Store) {
    let name = repository("law/tag-at-once");
    let contents = ["0", "1", "2", "3", "4", "5", "6", "7"];
    let puts = contents.map(|content| store.put_manifest(&name, manifest(content).with_tag(tag("latest"))));
    for put in join_all(puts).await {
        put.expect("put");
    }
    let digest = store.tag(&name, &tag("latest")).await.expect("a tag");
    let read = store.read_manifest(&name, &digest).await.expect("a manifest");
    assert_eq!(wharf_v1::sha256(&read.raw), digest);
}
