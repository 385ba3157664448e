//! Images, indexes and layers in a registry keep the contracts of their traits.

use wharf_v1::conformance;
use wharf_v1::{Image as _, Layer as _};

use crate::kit::{Kit, reference};
use crate::read::platforms;

#[tokio::test]
async fn a_remote_image_conforms() {
    let kit = Kit::new();
    let tag = reference("a.test/app:v1");
    kit.client
        .write(&tag, &wharf_v1::random::image(1, 3, 5000))
        .await
        .expect("written");
    let image = kit.client.image(&tag, None).await.expect("there");
    conformance::image(image).await;
}

#[tokio::test]
async fn a_remote_index_conforms() {
    let kit = Kit::new();
    let tag = reference("a.test/app:v1");
    kit.client
        .write_index(&tag, &platforms(&["linux/amd64", "linux/arm64"]))
        .await
        .expect("written");
    let index = kit.client.index(&tag).await.expect("there");
    conformance::index(index).await;
}

#[tokio::test]
async fn a_bare_remote_layer_conforms() {
    let kit = Kit::new();
    let tag = reference("a.test/app:v1");
    kit.client
        .write(&tag, &wharf_v1::random::image(1, 1, 5000))
        .await
        .expect("written");
    let image = kit.client.image(&tag, None).await.expect("there");
    let layer = &image.layers().await.expect("known")[0];
    let digest = layer.descriptor().await.expect("known").digest().clone();
    conformance::layer(kit.client.layer(&tag.repository().digest(digest))).await;
}
