//! What every [`Store`] must do, as tests. A store's own tests call [`all`] with a new, empty store.
//!
//! Each function is a law of the trait's contract. They use repositories of their own, so that they can
//! share a store. They panic where the store breaks the law.

mod lists;
mod manifests;
mod uploads;

use bytes::Bytes;
use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_v1::{ByteStream, Hasher};

use crate::name::{RepositoryName, TagName};
use crate::store::{Chunk, Store};

pub use lists::{
    repositories_are_listed_in_order, tags_are_listed_in_order, the_repositories_of_a_blob_are_known,
};
pub use manifests::{
    a_manifest_is_what_was_put, a_tag_that_is_put_at_once_is_whole, deleting_a_manifest_deletes_its_tags,
    deleting_a_tag_deletes_only_that, referrers_are_there_while_their_manifest_is,
};
pub use uploads::{
    a_blob_is_what_was_uploaded, a_chunk_that_breaks_off_is_kept, a_misplaced_chunk_changes_nothing,
    a_repository_has_only_its_own, a_wrong_digest_stores_nothing, an_abandoned_append_can_be_gone_on_with,
    an_upload_is_of_one_repository, any_algorithm_finishes_an_upload, mounting_shares_a_blob,
    the_latest_append_takes_over, uploads_at_once_of_one_blob_all_succeed, what_is_absent_is_unknown,
};

/// Runs all laws, one after the other.
///
/// # Panics
/// If the store breaks one.
pub async fn all(store: &dyn Store) {
    what_is_absent_is_unknown(store).await;
    a_blob_is_what_was_uploaded(store).await;
    a_repository_has_only_its_own(store).await;
    an_upload_is_of_one_repository(store).await;
    mounting_shares_a_blob(store).await;
    any_algorithm_finishes_an_upload(store).await;
    a_wrong_digest_stores_nothing(store).await;
    a_misplaced_chunk_changes_nothing(store).await;
    a_chunk_that_breaks_off_is_kept(store).await;
    the_latest_append_takes_over(store).await;
    an_abandoned_append_can_be_gone_on_with(store).await;
    uploads_at_once_of_one_blob_all_succeed(store).await;
    a_manifest_is_what_was_put(store).await;
    deleting_a_manifest_deletes_its_tags(store).await;
    deleting_a_tag_deletes_only_that(store).await;
    referrers_are_there_while_their_manifest_is(store).await;
    a_tag_that_is_put_at_once_is_whole(store).await;
    the_repositories_of_a_blob_are_known(store).await;
    tags_are_listed_in_order(store).await;
    repositories_are_listed_in_order(store).await;
}

fn repository(name: &str) -> RepositoryName {
    name.parse().expect("a repository's name")
}

fn tag(name: &str) -> TagName {
    name.parse().expect("a tag")
}

fn bytes(content: impl Into<Bytes>) -> Chunk {
    Chunk::new(ByteStream::from_bytes(content))
}

fn digest_with(algorithm: &DigestAlgorithm, content: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm).expect("an algorithm that stores have");
    hasher.update(content);
    hasher.finish()
}

/// Uploads a blob in one chunk.
async fn blob(store: &dyn Store, repository: &RepositoryName, content: &[u8]) -> Digest {
    let digest = wharf_v1::sha256(content);
    let id = store
        .begin_upload(repository, digest.algorithm())
        .await
        .expect("an upload");
    store
        .append_upload(repository, &id, bytes(content.to_vec()))
        .await
        .expect("an append");
    store
        .finish_upload(repository, &id, &digest)
        .await
        .expect("a blob");
    digest
}

/// Reads a whole blob.
async fn read(store: &dyn Store, repository: &RepositoryName, digest: &Digest) -> Bytes {
    let size = store.blob(repository, digest).await.expect("a blob");
    let stream = store
        .read_blob(repository, digest, 0..size)
        .await
        .expect("a blob's bytes");
    stream.collect(size).await.expect("all of them")
}
