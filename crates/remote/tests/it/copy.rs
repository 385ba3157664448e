//! Copying.

use std::sync::Arc;

use http::Method;
use oci_spec::image::MediaType;
use wharf_registry::hook::{Fault, Gate, Reaction};
use wharf_remote::{CopyOptions, Error};
use wharf_v1::{IndexExt as _, Layer};

use crate::kit::{Kit, reference, repository, sorted};
use crate::read::platforms;

#[tokio::test]
async fn an_image_is_copied_byte_for_byte() {
    let kit = Kit::new();
    let (from, to) = (reference("a.test/app:v1"), reference("b.test/mirror/app:v2"));
    let written = kit
        .client
        .write(&from, &wharf_v1::random::image(1, 2, 1000))
        .await
        .expect("written");
    kit.forget_requests();
    let copied = kit
        .client
        .copy(&from, &to, &CopyOptions::default())
        .await
        .expect("copied");
    assert_eq!(copied.descriptor.digest(), written.digest());
    assert_eq!(
        sorted(kit.asked_a()),
        [
            "GET app/blobs/D 200",
            "GET app/blobs/D 200",
            "GET app/blobs/D 200",
            "GET app/manifests/v1 200"
        ]
    );
    let image = kit.fresh_client().image(&to, None).await.expect("there");
    wharf_v1::conformance::image(image).await;
}

#[tokio::test]
async fn a_whole_index_is_copied() {
    let kit = Kit::new();
    let (from, to) = (reference("a.test/app:v1"), reference("b.test/app:v1"));
    let index = platforms(&["linux/amd64", "linux/arm64", "windows/amd64"]);
    kit.client.write_index(&from, &index).await.expect("written");
    kit.client
        .copy(&from, &to, &CopyOptions::default())
        .await
        .expect("copied");
    let copied = kit.fresh_client().index(&to).await.expect("there");
    wharf_v1::conformance::index(copied).await;
}

#[tokio::test]
async fn only_one_platform_is_copied_if_asked() {
    let kit = Kit::new();
    let (from, to) = (reference("a.test/app:v1"), reference("b.test/app:v1"));
    let index = platforms(&["linux/amd64", "linux/arm64"]);
    kit.client.write_index(&from, &index).await.expect("written");
    let options = CopyOptions::default().with_platform("linux/arm64".parse().expect("a platform"));
    let copied = kit.client.copy(&from, &to, &options).await.expect("copied");
    assert_eq!(
        copied.descriptor.digest(),
        index.children().await.expect("known")[1].digest()
    );
    kit.forget_requests();
    kit.fresh_client()
        .copy(&from, &to, &options)
        .await
        .expect("there");
    assert_eq!(kit.asked_b(), ["HEAD app/manifests/v1 200"]);
}

#[tokio::test]
async fn children_that_are_there_are_not_read() {
    let kit = Kit::new();
    let index = platforms(&["linux/amd64", "linux/arm64"]);
    kit.client
        .write_index(&reference("a.test/app:v1"), &index)
        .await
        .expect("written");
    kit.client
        .write_index(&reference("b.test/app:other"), &index)
        .await
        .expect("written");
    kit.forget_requests();
    let (from, to) = (reference("a.test/app:v1"), reference("b.test/app:v1"));
    kit.fresh_client()
        .copy(&from, &to, &CopyOptions::default())
        .await
        .expect("copied");
    assert_eq!(kit.asked_a(), ["GET app/manifests/v1 200"]);
    assert_eq!(
        kit.asked_b(),
        [
            "HEAD app/manifests/v1 404",
            "HEAD app/manifests/D 200",
            "HEAD app/manifests/D 200",
            "PUT app/manifests/v1 201"
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_walked_is_refused() {
    let kit = Kit::new();
    let from = reference("a.test/app:v1");
    kit.client
        .put(&from, MediaType::from("application/vnd.example.thing+json"), "{}")
        .await
        .expect("written");
    kit.forget_requests();
    let error = kit
        .client
        .copy(&from, &reference("b.test/app:v1"), &CopyOptions::default())
        .await
        .expect_err("what it refers to is not known");
    assert!(matches!(error, Error::Input { .. }), "{error:?}");
    assert!(!kit.asked_b().iter().any(|line| line.starts_with("PUT")));
}

#[tokio::test]
async fn a_destination_by_another_digest_is_refused_before_anything_is_sent() {
    let kit = Kit::new();
    let from = reference("a.test/app:v1");
    kit.client
        .write(&from, &wharf_v1::random::image(1, 1, 10))
        .await
        .expect("written");
    kit.forget_requests();
    let to = reference(&format!("b.test/app@{}", wharf_v1::sha256("another")));
    let error = kit
        .client
        .copy(&from, &to, &CopyOptions::default())
        .await
        .expect_err("another digest");
    assert!(matches!(error, Error::Input { .. }), "{error:?}");
    assert_eq!(kit.asked_b(), ["HEAD app/manifests/D 404"]);
}

#[tokio::test]
async fn the_source_is_opened_while_the_upload_begins() {
    let kit = Kit::new();
    let (from, to) = (reference("a.test/app:v1"), reference("b.test/app:v1"));
    kit.client
        .write(&from, &wharf_v1::random::image(1, 1, 10))
        .await
        .expect("written");
    let (reading, beginning) = (Gate::new(), Gate::new());
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/blobs/").then(Reaction::hold(&reading)));
    kit.b
        .faults()
        .add(Fault::on(Method::POST, "/uploads/").then(Reaction::hold(&beginning)));
    let copy = tokio::spawn({
        let client = kit.client.clone();
        async move { client.copy(&from, &to, &CopyOptions::default()).await }
    });
    // Both requests of both blobs are under way at the same time, or this waits for ever.
    reading.reached_by(2).await;
    beginning.reached_by(2).await;
    reading.open();
    beginning.open();
    copy.await.expect("no panic").expect("copied");
}

/// Manifests of schema 1 are copied as they are, with their layers, whose sizes they do not have.
#[tokio::test]
async fn schema_1_is_copied_whole() {
    let kit = Kit::new();
    let mut sums = Vec::new();
    for seed in [1, 2] {
        let layer: Arc<dyn Layer> = Arc::new(wharf_v1::random::layer(seed, 500));
        let written = kit.client.write_layer(&repository("a.test/old"), &layer).await;
        sums.push(written.expect("written").digest().to_string());
    }
    // One of them twice, as empty layers are.
    let layers = [&sums[0], &sums[1], &sums[0]].map(|sum| format!(r#"{{"blobSum":"{sum}"}}"#));
    let raw = format!(
        r#"{{"schemaVersion":1,"name":"old","tag":"v1","fsLayers":[{}],"history":[]}}"#,
        layers.join(",")
    );
    for media_type in [
        wharf_v1::media_type::DOCKER_SCHEMA1,
        wharf_v1::media_type::DOCKER_SCHEMA1_SIGNED,
    ] {
        let source = reference("a.test/old:v1");
        let put = kit.client.put(&source, media_type.into(), raw.clone()).await;
        put.expect("put");
        kit.forget_requests();
        let client = kit.fresh_client();
        let into = reference(&format!("b.test/{}:v1", media_type.len()));
        client
            .copy(&source, &into, &CopyOptions::default())
            .await
            .expect("copied");
        // The manifest; of each layer its size, and its bytes.
        assert_eq!(kit.asked_a().len(), 1 + 2 * 2);
        let copied = client.get(&into).await.expect("there");
        assert_eq!(
            (copied.raw().as_ref(), copied.media_type().as_ref()),
            (raw.as_bytes(), media_type)
        );
        for sum in &sums {
            let blob = into.repository().digest(sum.parse().expect("a digest"));
            let bytes = client.blob(&blob).await.expect("there").collect(1 << 20).await;
            assert_eq!(wharf_v1::sha256(bytes.expect("whole")).to_string(), *sum);
        }
        client
            .copy(&source, &reference("a.test/old:v2"), &CopyOptions::default())
            .await
            .expect("copied");
    }
}
