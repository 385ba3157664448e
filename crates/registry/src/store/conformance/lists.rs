//! Laws of lists.

use crate::name::{RepositoryName, TagName};
use crate::store::{Error, NewManifest, Page, Store};

use super::{blob, repository, tag};

/// The repositories that have a blob are known, without those that had it.
///
/// # Panics
/// If the store breaks the law.
pub async fn the_repositories_of_a_blob_are_known(store: &dyn Store) {
    let content = b"the repositories of this blob";
    let digest = wharf_v1::sha256(content);
    assert_eq!(store.blob_repositories(&digest).await.expect("none"), []);
    let names = ["law/has/a", "law/has/b", "law/has/b/c"].map(repository);
    for name in &names {
        blob(store, name, content).await;
    }
    assert_eq!(store.blob_repositories(&digest).await.expect("names"), names);
    store.delete_blob(&names[1], &digest).await.expect("deleted");
    let rest = [names[0].clone(), names[2].clone()];
    assert_eq!(store.blob_repositories(&digest).await.expect("names"), rest);
}

/// Tags are listed in byte order, in pages, and not at all where nothing was ever stored.
///
/// # Panics
/// If the store breaks the law.
pub async fn tags_are_listed_in_order(store: &dyn Store) {
    let name = repository("law/tags");
    let unknown = store.tags(&name, &Page::first(1)).await;
    assert!(
        matches!(unknown, Err(Error::RepositoryUnknown { .. })),
        "{unknown:?}"
    );
    let mut manifest = NewManifest::new(wharf_v1::sha256("foo"), "text/plain", "foo");
    manifest.tags = ["b", "a", "B", "10", "9", "_"].map(tag).to_vec();
    store.put_manifest(&name, manifest.clone()).await.expect("put");
    let list = async |page: Page| {
        let listing = store.tags(&name, &page).await.expect("a page");
        (
            listing
                .entries
                .iter()
                .map(TagName::as_str)
                .collect::<Vec<_>>()
                .join(" "),
            listing.more,
        )
    };
    assert_eq!(list(Page::first(9)).await, ("10 9 B _ a b".into(), false));
    assert_eq!(list(Page::first(6)).await, ("10 9 B _ a b".into(), false));
    assert_eq!(list(Page::first(2)).await, ("10 9".into(), true));
    assert_eq!(list(Page::after("9", 2)).await, ("B _".into(), true));
    assert_eq!(list(Page::after("99", 2)).await, ("B _".into(), true));
    assert_eq!(list(Page::after("a", 2)).await, ("b".into(), false));
    assert_eq!(list(Page::after("z", 2)).await, (String::new(), false));
    assert_eq!(list(Page::first(0)).await, (String::new(), false));
    store
        .delete_manifest(&name, &manifest.digest)
        .await
        .expect("deleted");
    assert_eq!(list(Page::first(9)).await, (String::new(), false));
}

/// Repositories are listed in byte order, in pages, while they have a manifest.
///
/// # Panics
/// If the store breaks the law.
pub async fn repositories_are_listed_in_order(store: &dyn Store) {
    // Other laws leave repositories behind, so this one looks between two names only.
    let names = ["law0/b", "law0/a", "law0/a/b", "law0/a-b"].map(repository);
    let manifest = NewManifest::new(wharf_v1::sha256("foo"), "text/plain", "foo");
    for name in &names {
        store.put_manifest(name, manifest.clone()).await.expect("put");
    }
    blob(store, &repository("law0/only/blobs"), b"foo").await;
    let list = async |page: Page| {
        let listing = store.repositories(&page).await.expect("a page");
        let names = listing.entries.iter().map(RepositoryName::as_str);
        let names = names.filter(|name| name.starts_with("law0/"));
        (names.collect::<Vec<_>>().join(" "), listing.more)
    };
    assert_eq!(
        list(Page::after("law0", 9)).await,
        ("law0/a law0/a-b law0/a/b law0/b".into(), false)
    );
    assert_eq!(
        list(Page::after("law0", 3)).await,
        ("law0/a law0/a-b law0/a/b".into(), true)
    );
    assert_eq!(list(Page::after("law0/a/b", 3)).await, ("law0/b".into(), false));
    store
        .delete_manifest(&names[0], &manifest.digest)
        .await
        .expect("deleted");
    assert_eq!(list(Page::after("law0/a/b", 3)).await, (String::new(), false));
}
