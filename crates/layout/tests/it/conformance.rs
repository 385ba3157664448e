//! What a layout hands out keeps the laws of the traits.

use wharf_layout::{AppendOptions, Layout};
use wharf_v1::{Child, Image as _, Index as _, conformance, empty, random};

use crate::support::{Behaviour, TestLayer, image};

#[tokio::test]
async fn images_conform() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let options = AppendOptions::new().with_ref_name("named");
    layout
        .append_image(&random::image(1, 3, 1000), &options)
        .await
        .expect("append");
    layout
        .append_image(&empty::image(), &options)
        .await
        .expect("append");
    layout
        .append_image(&empty::oci_image(), &options)
        .await
        .expect("append");
    let layers = [
        TestLayer::new("plain", Behaviour::Good),
        TestLayer::new("streamed", Behaviour::Streamed),
    ];
    layout
        .append_image(&image(&layers), &options)
        .await
        .expect("append");
    let images = layout.images().await.expect("images");
    assert_eq!(images.len(), 4);
    for image in images {
        for layer in image.layers().await.expect("layers") {
            conformance::layer(layer).await;
        }
        conformance::image(image).await;
    }
}

#[tokio::test]
async fn indexes_conform() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    conformance::index(layout.index().await.expect("index")).await;
    let entry = layout
        .append_index(&random::index(2, 3, 2, 500), &AppendOptions::new())
        .await
        .expect("append");
    layout
        .append_image(&random::image(3, 1, 100), &AppendOptions::new())
        .await
        .expect("append");
    let root = layout.index().await.expect("index");
    let Child::Index(nested) = root.child(&entry).await.expect("child") else {
        panic!("an index")
    };
    conformance::index(nested).await;
    conformance::index(root).await;
}
