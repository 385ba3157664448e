//! Pushing images and indexes.

use wharf_name::Reference;
use wharf_v1::ImageExt as _;

use crate::kit::{Kit, reference, sorted};

#[tokio::test]
async fn an_image_is_pushed_parts_first() {
    let kit = Kit::new();
    let tag = reference("a.test/app:v1");
    let image = wharf_v1::random::image(1, 1, 100_000);
    let written = kit.client.write(&tag, &image).await.expect("written");
    assert_eq!(*written.digest(), image.digest().await.expect("known"));

    let asked = kit.asked_a();
    assert_eq!(
        asked.first().map(String::as_str),
        Some("HEAD app/manifests/v1 404")
    );
    assert_eq!(asked.last().map(String::as_str), Some("PUT app/manifests/v1 201"));
    assert_eq!(
        sorted(asked[1..asked.len() - 1].to_vec()),
        [
            "POST app/blobs/uploads/?digest=D 201",
            "POST app/blobs/uploads/?mount=D&from=app 202",
            "PUT app/blobs/uploads/U?digest=D 201",
        ]
    );
    let read = kit.fresh_client().get(&tag).await.expect("there");
    assert_eq!(
        *read.raw(),
        *wharf_v1::Image::manifest(&image).await.expect("known").raw()
    );
}

#[tokio::test]
async fn an_image_that_is_there_costs_one_request() {
    let kit = Kit::new();
    let tag = reference("a.test/app:v1");
    let image = wharf_v1::random::image(1, 3, 100);
    let written = kit.client.write(&tag, &image).await.expect("written");
    kit.forget_requests();
    for client in [kit.client.clone(), kit.fresh_client()] {
        client.write(&tag, &image).await.expect("there already");
        assert_eq!(kit.asked_a(), ["HEAD app/manifests/v1 200"]);
    }
    let by_digest = Reference::Digest(tag.repository().digest(written.digest().clone()));
    kit.fresh_client()
        .write(&by_digest, &image)
        .await
        .expect("there already");
    assert_eq!(kit.asked_a(), ["HEAD app/manifests/D 200"]);
}
