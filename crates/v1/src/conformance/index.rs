//! The suite of indexes.

use futures_core::future::BoxFuture;

use super::*;
use crate::media_type::MediaTypeExt as _;
use crate::{Child, Index, IndexExt as _, IndexManifest};

/// Runs every law of indexes on `index`, and those of images, indexes and layers on its children, which
/// must all be there.
///
/// # Panics
/// When a law does not hold.
pub async fn index(index: impl Index) {
    run(&index).await;
}

fn run(index: &dyn Index) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        let law = "an index says what it is";
        let descriptor = must(law, index.descriptor().await);
        let manifest = must(law, index.manifest().await);
        the_digest_is_that_of_the_raw_bytes(&descriptor, &manifest);
        the_size_is_that_of_the_raw_bytes(&descriptor, &manifest);
        the_view_is_of_the_raw_bytes(&manifest);
        asking_twice_gives_the_same(index, &descriptor, &manifest).await;
        assert_eq!(
            index.media_type(),
            *descriptor.media_type(),
            "the media type is the descriptor's"
        );
        assert_eq!(
            index.media_type(),
            *manifest.media_type(),
            "the media type is the manifest's"
        );
        absent_children_are_not_found(index).await;
        for listed in must(law, index.children().await) {
            each_child_is_what_the_index_says(index, &listed).await;
        }
    })
}

async fn asking_twice_gives_the_same(index: &dyn Index, descriptor: &Descriptor, manifest: &IndexManifest) {
    let law = "stability";
    must(law, index.descriptor().await)
        .set_annotations(None)
        .set_size(0);
    assert_eq!(
        must(law, index.descriptor().await),
        *descriptor,
        "{law}: descriptor"
    );
    assert_eq!(
        must(law, index.manifest().await).raw(),
        manifest.raw(),
        "{law}: manifest"
    );
}

async fn absent_children_are_not_found(index: &dyn Index) {
    let nothing = crate::sha256("content that no index has, as this text explains");
    let absent = index.child_by_digest(&nothing).await;
    assert!(
        matches!(absent, Err(Error::NotFound { .. })),
        "a child that is not listed: {absent:?}"
    );
}

/// Its media type decides what it is, its descriptor is right, and it conforms itself.
async fn each_child_is_what_the_index_says(index: &dyn Index, listed: &Descriptor) {
    let law = "a child is what its index says";
    let (media_type, digest) = (listed.media_type(), listed.digest());
    let child = must(law, index.child(listed).await);
    let descriptor = match &child {
        Child::Image(image) => {
            assert!(
                media_type.is_image(),
                "{law}: {digest} of {media_type} is an image"
            );
            must(law, image.descriptor().await)
        }
        Child::Index(index) => {
            assert!(
                media_type.is_index(),
                "{law}: {digest} of {media_type} is an index"
            );
            must(law, index.descriptor().await)
        }
        Child::Blob(blob) => {
            let known = media_type.is_image() || media_type.is_index();
            assert!(!known, "{law}: {digest} of {media_type} is a blob");
            must(law, blob.descriptor().await)
        }
    };
    assert_eq!(descriptor.digest(), digest, "{law}: digest");
    assert_eq!(descriptor.size(), listed.size(), "{law}: size of {digest}");
    match child {
        Child::Image(image) => image::run(&*image).await,
        Child::Index(index) => run(&*index).await,
        Child::Blob(blob) => layer::run(&*blob).await,
    }
}
