//! What comes through a cache keeps the laws of the traits, whether it is in the cache or not.

use wharf_v1::{Image as _, conformance, random};

use crate::counted::cache;

#[tokio::test]
async fn what_comes_through_conforms() {
    let dir = tempfile::tempdir().expect("a directory");
    let cache = cache(dir.path());
    for _ in 0..2 {
        let image = cache.image(random::image(1, 3, 1000));
        for layer in image.layers().await.expect("layers") {
            conformance::layer(layer).await;
        }
        conformance::layer(cache.layer(random::layer(7, 100_000))).await;
        conformance::image(image).await;
        conformance::index(cache.index(random::index(2, 3, 2, 1000))).await;
        conformance::image(cache.image(wharf_v1::empty::oci_image())).await;
    }
}
