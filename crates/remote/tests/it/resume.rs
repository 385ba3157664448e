//! Downloads that break off.

use std::sync::Arc;

use http::{Method, StatusCode};
use oci_spec::image::{Descriptor, MediaType};
use wharf_name::Reference;
use wharf_registry::Registry;
use wharf_registry::hook::{Fault, Feature, Profile, Reaction};
use wharf_v1::{ByteStream, Layer};

use crate::kit::{Kit, recording, reference};

const SIZE: usize = 1 << 20;

/// A blob of one mebibyte at `a.test/app`, and a way to read it.
async fn with_blob(profile: Profile) -> (Kit, Reference, Descriptor) {
    let registry = Registry::builder().record().profile(profile).build();
    let kit = Kit::with(registry, recording(), |client| client.resumes(2));
    let layer = wharf_v1::random::layer(7, SIZE);
    let layer: Arc<dyn Layer> = Arc::new(layer);
    let tag = reference("a.test/app:v1");
    let descriptor = kit
        .client
        .write_layer(tag.repository(), &layer)
        .await
        .expect("written");
    kit.forget_requests();
    let blob = Reference::Digest(tag.repository().digest(descriptor.digest().clone()));
    (kit, blob, descriptor)
}

async fn open(kit: &Kit, blob: &Reference) -> Result<ByteStream, wharf_remote::Error> {
    let Reference::Digest(blob) = blob else {
        panic!("a blob has a digest")
    };
    kit.client.blob(blob).await
}

async fn read(kit: &Kit, blob: &Reference) -> Result<usize, wharf_v1::Error> {
    let bytes = open(kit, blob).await?.collect(SIZE as u64 * 2).await?;
    Ok(bytes.len())
}

#[tokio::test(start_paused = true)]
async fn a_cut_body_is_resumed_with_a_closed_range() {
    let (kit, blob, descriptor) = with_blob(Profile::full()).await;
    for cut in [0, 1, 1000, SIZE as u64 / 2, descriptor.size() - 1] {
        kit.forget_requests();
        kit.a.faults().add(
            Fault::on(Method::GET, "/blobs/")
                .times(1)
                .then(Reaction::cut_body(cut)),
        );
        assert_eq!(
            read(&kit, &blob).await.expect("good bytes") as u64,
            descriptor.size()
        );
        let ranges: Vec<_> = kit
            .a
            .log()
            .requests()
            .iter()
            .map(|request| request.header("range").map(str::to_owned))
            .collect();
        let range = (cut > 0).then(|| format!("bytes={cut}-{}", descriptor.size() - 1));
        assert_eq!(ranges, [None, range]);
        assert_eq!(kit.events.take(), [format!("resumed at {cut}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_may_break_off_again_and_again_while_it_makes_progress() {
    let (kit, blob, descriptor) = with_blob(Profile::full()).await;
    // More breaks than the client has resumes, but each brings it on.
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/blobs/").then(Reaction::cut_body(300_000)));
    assert_eq!(
        read(&kit, &blob).await.expect("good bytes") as u64,
        descriptor.size()
    );
    assert_eq!(kit.asked_a().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn without_progress_the_client_gives_up() {
    let (kit, blob, _) = with_blob(Profile::full()).await;
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/blobs/").then(Reaction::cut_body(10)));
    let error = read(&kit, &blob).await.expect_err("it never ends");
    let error = error
        .source_ref::<wharf_remote::Error>()
        .expect("the client's own");
    let cause = std::error::Error::source(error).expect("a cause").to_string();
    assert_eq!(
        cause,
        "the blob broke off after 30 bytes and could not be resumed"
    );
    assert_eq!(kit.asked_a().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_registry_without_ranges_is_read_from_the_start() {
    let (kit, blob, descriptor) = with_blob(Profile::full().without(Feature::Ranges)).await;
    kit.a.faults().add(
        Fault::on(Method::GET, "/blobs/")
            .times(1)
            .then(Reaction::cut_body(500_000)),
    );
    assert_eq!(
        read(&kit, &blob).await.expect("good bytes") as u64,
        descriptor.size()
    );
    assert_eq!(kit.asked_a(), ["GET app/blobs/D 200", "GET app/blobs/D 200"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_range_is_not_asked_for_again() {
    for status in [StatusCode::RANGE_NOT_SATISFIABLE, StatusCode::BAD_REQUEST] {
        let (kit, blob, descriptor) = with_blob(Profile::full()).await;
        kit.a.faults().add(
            Fault::on(Method::GET, "/blobs/")
                .times(1)
                .then(Reaction::cut_body(500_000)),
        );
        let ranged = Fault::when(|request| request.headers.contains_key("range"));
        kit.a.faults().add(ranged.then(Reaction::status(status)));
        assert_eq!(
            read(&kit, &blob).await.expect("good bytes") as u64,
            descriptor.size()
        );
        assert_eq!(kit.asked_a().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_changed_meanwhile_are_noticed() {
    let (kit, blob, _) = with_blob(Profile::full()).await;
    kit.a.faults().add(
        Fault::on(Method::GET, "/blobs/")
            .times(1)
            .then(Reaction::cut_body(500_000)),
    );
    kit.a.faults().add(
        Fault::on(Method::GET, "/blobs/")
            .after(1)
            .then(Reaction::corrupt_body(5)),
    );
    let error = read(&kit, &blob).await.expect_err("not the blob");
    assert!(matches!(error, wharf_v1::Error::DigestMismatch { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_is_gone_meanwhile_fails_at_once() {
    let (kit, blob, _) = with_blob(Profile::full()).await;
    kit.a.faults().add(
        Fault::on(Method::GET, "/blobs/")
            .times(1)
            .then(Reaction::cut_body(500_000)),
    );
    let gone = Reaction::status(StatusCode::NOT_FOUND);
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/blobs/").after(1).then(gone));
    let error = read(&kit, &blob).await.expect_err("gone");
    assert!(
        error
            .source_ref::<wharf_remote::Error>()
            .expect("the client's own")
            .is_not_found()
    );
    assert_eq!(kit.asked_a().len(), 2);
}

#[tokio::test]
async fn media_type_of_a_bare_layer_is_dockers() {
    let (kit, blob, _) = with_blob(Profile::full()).await;
    let Reference::Digest(blob) = &blob else {
        panic!("a blob has a digest")
    };
    let layer = kit.client.layer(blob);
    assert_eq!(
        layer.media_type(),
        MediaType::from(wharf_v1::media_type::DOCKER_LAYER_GZIP)
    );
}
