//! Images through the cache.

use futures_util::StreamExt as _;
use http::{Method, StatusCode};
use wharf_proxy::PullThroughOptions;
use wharf_registry::hook::{Fault, Reaction};
use wharf_v1::media_type::Family;
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::ImageBuilder;
use wharf_v1::{Config, Image as _, ImageExt as _};

use crate::kit::{Kit, reference};

async fn pull(kit: &Kit, tag: &str) -> Result<usize, wharf_v1::Error> {
    let image = kit.client.image(&reference(tag), None).await?;
    image.config().await?;
    let mut bytes = 0;
    for layer in image.layers().await? {
        bytes += layer.compressed().await?.collect(16 << 20).await?.len();
    }
    Ok(bytes)
}

#[tokio::test]
async fn an_image_is_read_once_from_upstream() {
    let kit = Kit::new(PullThroughOptions::default());
    let image = wharf_v1::random::image(1, 2, 100_000);
    kit.owner
        .write(&reference("up.test/app:v1"), &image)
        .await
        .expect("written");
    kit.asked();
    let bytes = pull(&kit, "cache.test/app:v1").await.expect("pulled");
    assert_eq!(
        kit.asked(),
        [
            "GET blobs",
            "GET blobs",
            "GET blobs",
            "GET manifests",
            "HEAD blobs",
            "HEAD blobs",
            "HEAD blobs",
            "HEAD manifests"
        ]
    );
    assert_eq!(pull(&kit, "cache.test/app:v1").await.expect("pulled"), bytes);
    assert!(kit.asked().is_empty(), "it is fresh");
    let there = kit
        .client
        .image(&reference("cache.test/app:v1"), None)
        .await
        .expect("there");
    assert_eq!(
        there.as_descriptor().digest(),
        &image.digest().await.expect("known")
    );
    wharf_v1::conformance::image(there).await;
}

#[tokio::test]
async fn what_upstream_does_not_have_is_not_there() {
    let kit = Kit::new(PullThroughOptions::default());
    let image = wharf_v1::random::image(1, 1, 100);
    kit.owner
        .write(&reference("up.test/app:v1"), &image)
        .await
        .expect("written");
    for missing in ["cache.test/app:v2", "cache.test/other:v1"] {
        let error = kit.client.get(&reference(missing)).await.expect_err("not there");
        assert!(error.is_not_found(), "{error:?}");
    }
    let digest = wharf_v1::sha256("nothing");
    let blob = reference("cache.test/app").repository().digest(digest);
    assert!(
        kit.client
            .blob(&blob)
            .await
            .expect_err("not there")
            .is_not_found()
    );
    assert!(
        kit.client
            .get(&blob.into())
            .await
            .expect_err("not there")
            .is_not_found()
    );
}

#[tokio::test]
async fn repositories_may_be_below_a_prefix() {
    let kit = Kit::new(PullThroughOptions::default().with_prefix("library"));
    let image = wharf_v1::random::image(1, 1, 100);
    kit.owner
        .write(&reference("up.test/library/app:v1"), &image)
        .await
        .expect("written");
    pull(&kit, "cache.test/app:v1").await.expect("pulled");
}

/// A part of a blob is cut from the whole, which is kept.
#[tokio::test]
async fn parts_of_blobs_are_parts_of_good_ones() {
    let kit = Kit::new(PullThroughOptions::default());
    let image = wharf_v1::random::image(1, 1, 100_000);
    kit.owner
        .write(&reference("up.test/app:v1"), &image)
        .await
        .expect("written");
    let layer = image.layers().await.expect("known").remove(0);
    let whole = layer
        .compressed()
        .await
        .expect("known")
        .collect(1 << 20)
        .await
        .expect("known");
    let path = format!(
        "https://cache.test/v2/app/blobs/{}",
        layer.descriptor().await.expect("known").digest()
    );
    for _ in 0..2 {
        let request = http::Request::get(&path).header("range", "bytes=10-19");
        let request = request.body(wharf_transport::Body::empty()).expect("a request");
        let response = kit.client.transport().send(request).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        let part = response.into_body().collect(1000).await.expect("read");
        assert_eq!(part, whole[10..20]);
    }
    assert_eq!(kit.asked().iter().filter(|line| *line == "GET blobs").count(), 1);
}

/// Bytes that are not the right ones are neither handed out to their end nor kept.
#[tokio::test]
async fn wrong_bytes_are_not_kept() {
    let kit = Kit::new(PullThroughOptions::default());
    let image = wharf_v1::random::image(1, 1, 100_000);
    kit.owner
        .write(&reference("up.test/app:v1"), &image)
        .await
        .expect("written");
    for reaction in [Reaction::corrupt_body(9), Reaction::cut_body(5000)] {
        let fault = kit
            .upstream
            .faults()
            .add(Fault::on(Method::GET, "/blobs/").then(reaction));
        pull(&kit, "cache.test/app:v1")
            .await
            .expect_err("wrong or broken off");
        fault.remove();
    }
    pull(&kit, "cache.test/app:v1").await.expect("good now");
    kit.upstream
        .faults()
        .add(Fault::on(Method::GET, "/").then(Reaction::status(StatusCode::BAD_GATEWAY)));
    pull(&kit, "cache.test/app:v1").await.expect("kept");
}

#[tokio::test]
async fn whoever_stops_early_leaves_nothing() {
    let kit = Kit::new(PullThroughOptions::default());
    let image = wharf_v1::random::image(1, 1, 1 << 20);
    kit.owner
        .write(&reference("up.test/app:v1"), &image)
        .await
        .expect("written");
    let there = kit
        .client
        .image(&reference("cache.test/app:v1"), None)
        .await
        .expect("there");
    let layer = there.layers().await.expect("known").remove(0);
    let mut stream = layer.compressed().await.expect("opened");
    stream.next().await.expect("a chunk").expect("good");
    drop(stream);
    kit.asked();
    layer
        .compressed()
        .await
        .expect("opened")
        .collect(2 << 20)
        .await
        .expect("good");
    assert_eq!(kit.asked().iter().filter(|line| *line == "GET blobs").count(), 1);
}

#[tokio::test]
async fn nothing_can_be_pushed() {
    let kit = Kit::new(PullThroughOptions::default());
    let image = wharf_v1::random::image(1, 1, 100);
    let error = kit.client.write(&reference("cache.test/app:v1"), &image).await;
    assert_eq!(
        error.expect_err("read-only").status(),
        Some(StatusCode::METHOD_NOT_ALLOWED)
    );
}

#[tokio::test]
async fn referrers_are_those_of_upstream_and_else_the_kept_ones() {
    let kit = Kit::new(PullThroughOptions::default());
    let image = wharf_v1::random::image(1, 1, 100);
    let subject = kit
        .owner
        .write(&reference("up.test/app:v1"), &image)
        .await
        .expect("written");
    let artifact = ImageBuilder::new(Family::Oci)
        .config(Config::new("{}", MediaType::EmptyJSON))
        .artifact_type(MediaType::from("application/example"))
        .annotation("note", "one")
        .subject(subject.clone())
        .build()
        .await
        .expect("an artifact");
    let digest = artifact.digest().await.expect("known");
    let app = reference("up.test/app");
    kit.owner
        .write(&app.repository().digest(digest.clone()).into(), &artifact)
        .await
        .expect("written");
    let at_cache = reference("cache.test/app");
    let subject = at_cache.repository().digest(subject.digest().clone());
    let check = async || {
        let found = kit.client.referrers(&subject, None).await.expect("a list");
        assert_eq!(found.len(), 1);
        assert_eq!(*found[0].digest(), digest);
        assert_eq!(
            *found[0].artifact_type(),
            Some(MediaType::from("application/example"))
        );
        assert_eq!(found[0].annotations().as_ref().expect("some")["note"], "one");
    };
    check().await;
    kit.client
        .get(&at_cache.repository().digest(digest.clone()).into())
        .await
        .expect("kept now");
    kit.upstream
        .faults()
        .add(Fault::on(Method::GET, "/").then(Reaction::status(StatusCode::BAD_GATEWAY)));
    check().await;
}
