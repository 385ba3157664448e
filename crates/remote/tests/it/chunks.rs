//! Uploads in parts: by wish, by need, and after a connection broke.

use std::num::NonZeroU64;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use wharf_name::Repository;
use wharf_registry::Registry;
use wharf_registry::hook::{Fault, Feature, Profile, Reaction};
use wharf_v1::Layer;

use crate::kit::{Kit, recording, reference, repository};
use crate::odd::Odd;
use crate::upload::sent;

const MIB: usize = 1 << 20;

fn app() -> Repository {
    repository("a.test/app")
}

fn layer(size: usize) -> Arc<dyn Layer> {
    Arc::new(wharf_v1::random::layer(1, size))
}

fn chunked(bytes: u64) -> Kit {
    Kit::with(recording(), recording(), |client| {
        client.chunk_size(NonZeroU64::new(bytes))
    })
}

/// Writes the layer, and reads it back with another client.
async fn write(kit: &Kit, layer: &Arc<dyn Layer>) {
    let written = kit.client.write_layer(&app(), layer).await.expect("written");
    assert_eq!(sent(&kit.events.take()), written.size());
    let blob = app().digest(written.digest().clone());
    let client = kit.fresh_client();
    let read = client.blob(&blob).await.expect("there");
    let read = read.collect(64 << 20).await.expect("good");
    assert_eq!(read.len() as u64, written.size());
}

/// The `Content-Range` and status of each `PATCH`.
fn patches(kit: &Kit) -> Vec<(Option<String>, u16)> {
    let requests = kit.a.log().requests();
    let patches = requests.iter().filter(|request| request.method == Method::PATCH);
    patches
        .map(|patch| {
            let range = patch.header("content-range").map(str::to_owned);
            (range, patch.status.map_or(0, |status| status.as_u16()))
        })
        .collect()
}

fn ranges(kit: &Kit) -> Vec<String> {
    let taken = patches(kit).into_iter().filter(|(_, status)| *status == 202);
    taken.filter_map(|(range, _)| range).collect()
}

fn count(kit: &Kit, method: &Method) -> usize {
    let requests = kit.a.log().requests();
    requests.iter().filter(|request| request.method == method).count()
}

/// Bodies longer than this are refused, as proxies do.
fn refuse_longer(kit: &Kit, limit: u64) {
    let is_longer = move |request: &http::request::Parts| {
        let length = request.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        length.is_some_and(|length| length > limit)
    };
    let refused = Reaction::status(StatusCode::PAYLOAD_TOO_LARGE);
    kit.a.faults().add(Fault::when(is_longer).then(refused));
}

#[tokio::test]
async fn chunks_are_sent_on_request() {
    let kit = chunked(40_000);
    let layer = layer(100_000);
    write(&kit, &layer).await;
    let size = layer.descriptor().await.expect("known").size();
    let last = format!("80000-{}", size - 1);
    assert_eq!(ranges(&kit), ["0-39999", "40000-79999", last.as_str()]);
    // One that fits into a chunk goes as ever.
    kit.forget_requests();
    let small: Arc<dyn Layer> = Arc::new(wharf_v1::random::layer(2, 20_000));
    write(&kit, &small).await;
    assert_eq!(count(&kit, &Method::PATCH), 0);
}

#[tokio::test]
async fn a_registry_may_want_longer_chunks() {
    let kit = chunked(10_000);
    let name = HeaderName::from_static("oci-chunk-min-length");
    let least = Reaction::set_header(name, HeaderValue::from_static("60000"));
    kit.a
        .faults()
        .add(Fault::on(Method::POST, "/uploads/").then(least));
    let layer = layer(100_000);
    write(&kit, &layer).await;
    let size = layer.descriptor().await.expect("known").size();
    assert_eq!(
        ranges(&kit),
        ["0-59999".to_owned(), format!("60000-{}", size - 1)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_long_becomes_several_and_that_is_remembered() {
    let kit = Kit::new();
    refuse_longer(&kit, 2 * MIB as u64);
    let layer = layer(5 * MIB);
    write(&kit, &layer).await;
    let lengths: Vec<u64> = kit
        .a
        .log()
        .requests()
        .iter()
        .filter(|request| request.status == Some(StatusCode::PAYLOAD_TOO_LARGE))
        .map(|request| {
            request
                .header("content-length")
                .expect("known")
                .parse()
                .expect("a number")
        })
        .collect();
    let size = layer.descriptor().await.expect("known").size();
    // Whole, then a chunk of 4 MiB; 1 MiB fits.
    assert_eq!(lengths, [size, 4 * MIB as u64]);
    assert_eq!(ranges(&kit).len(), 6);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    kit.forget_requests();
    let other: Arc<dyn Layer> = Arc::new(wharf_v1::random::layer(2, 3 * MIB));
    write(&kit, &other).await;
    assert_eq!(patches(&kit).len(), 4);
    assert!(patches(&kit).iter().all(|(_, status)| *status == 202));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_takes_nothing_is_given_up() {
    let kit = Kit::new();
    refuse_longer(&kit, 10_000);
    let error = kit.client.write_layer(&app(), &layer(5 * MIB)).await;
    let error = error.expect_err("too long whatever is tried");
    assert_eq!(error.status(), Some(StatusCode::PAYLOAD_TOO_LARGE));
    assert_eq!(sent(&kit.events.take()), 0);
}

/// Wherever the connection breaks, what the registry has is not sent again.
#[tokio::test(start_paused = true)]
async fn an_upload_goes_on_where_the_connection_broke() {
    for (method, chunk) in [(Method::PUT, None), (Method::PATCH, NonZeroU64::new(150_000))] {
        for after in [1, 2, 77_777, 149_999] {
            let kit = Kit::with(recording(), recording(), |client| client.chunk_size(chunk));
            kit.cut(method.clone(), after);
            let layer = layer(200_000);
            let written = kit.client.write_layer(&app(), &layer).await.expect("written");
            let events = kit.events.take();
            let case = format!("{method} after {after}: {events:?}");
            assert_eq!(sent(&events), written.size(), "{case}");
            let resumed = events.iter().filter(|event| event.starts_with("upload resumed"));
            // Of a single byte a registry cannot say that it has it.
            assert_eq!(resumed.count(), usize::from(after > 1), "{case}");
            if after > 1 {
                let rest = format!("{after}-");
                assert!(
                    ranges(&kit).iter().any(|range| range.starts_with(&rest)),
                    "{case}: {:?}",
                    ranges(&kit)
                );
            }
            let blob = app().digest(written.digest().clone());
            let read = kit.fresh_client().blob(&blob).await.expect("there");
            read.collect(1 << 20).await.expect("good");
        }
    }
}

/// An upload that gets on is not given up, however often it breaks off.
#[tokio::test(start_paused = true)]
async fn progress_earns_all_attempts_again() {
    let kit = Kit::new();
    kit.cut(Method::PUT, MIB as u64 + 1);
    for _ in 0..6 {
        kit.cut(Method::PATCH, MIB as u64 + 1);
    }
    write(&kit, &layer(9 * MIB)).await;
    assert_eq!(ranges(&kit).len(), 1, "one of seven gets through");
    let kit = Kit::new();
    kit.cut(Method::PUT, 1000);
    kit.cut(Method::PATCH, 1000);
    kit.cut(Method::PATCH, 1000);
    let error = kit.client.write_layer(&app(), &layer(9 * MIB)).await;
    error.expect_err("three times without getting on");
    assert_eq!(sent(&kit.events.take()), 0);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_keeps_no_part_gets_all_again() {
    let registry = Registry::builder()
        .record()
        .profile(Profile::full().without(Feature::UploadStatus))
        .build();
    let kit = Kit::with(registry, recording(), |client| client);
    kit.cut(Method::PUT, 50_000);
    write(&kit, &layer(100_000)).await;
    assert!(patches(&kit).is_empty());
    assert_eq!(count(&kit, &Method::PUT), 2);
}

/// The answer to a chunk says how much the registry has.
#[tokio::test(start_paused = true)]
async fn a_chunk_that_is_not_whole_there_is_noticed() {
    let kit = chunked(40_000);
    let short = Reaction::set_header(header::RANGE, HeaderValue::from_static("0-29999"));
    kit.a
        .faults()
        .add(Fault::on(Method::PATCH, "/uploads/").times(1).then(short));
    write(&kit, &layer(100_000)).await;
    // What it says then counts.
    assert_eq!(ranges(&kit)[..2], ["0-39999", "40000-79999"]);
}

/// What can be read only once can be sent again chunk by chunk.
#[tokio::test(start_paused = true)]
async fn a_stream_in_chunks_survives_a_broken_connection() {
    let bytes = vec![b'x'; 100_000];
    for after in [2, 25_000, 39_999] {
        let kit = chunked(40_000);
        kit.cut(Method::PATCH, after);
        let stream: Arc<dyn Layer> = Arc::new(Odd::new(&bytes));
        let written = kit.client.write_layer(&app(), &stream).await.expect("written");
        assert_eq!(written.size(), 100_000);
        assert_eq!(sent(&kit.events.take()), 100_000, "after {after}");
        let blob = app().digest(written.digest().clone());
        let read = kit.fresh_client().blob(&blob).await.expect("there");
        assert_eq!(read.collect(1 << 20).await.expect("good"), bytes);
    }
}

#[tokio::test]
async fn a_small_blob_goes_up_with_one_request() {
    let kit = Kit::new();
    let layer = layer(1000);
    write(&kit, &layer).await;
    let asked = kit.asked_a();
    assert_eq!(asked[0], "POST app/blobs/uploads/?digest=D 201");
    assert_eq!(asked.len(), 2, "that, and the read: {asked:?}");
}

/// A registry that does not know the single request begins an upload, and is not sent one again.
#[tokio::test]
async fn a_registry_that_takes_no_blob_with_the_post_is_remembered() {
    let registry = Registry::builder()
        .record()
        .profile(Profile::full().without(Feature::MonolithicPost))
        .build();
    let kit = Kit::with(registry, recording(), |client| client);
    kit.client
        .write_layer(&app(), &layer(1000))
        .await
        .expect("written");
    assert_eq!(
        kit.asked_a(),
        [
            "POST app/blobs/uploads/?digest=D 202",
            "PUT app/blobs/uploads/U?digest=D 201"
        ]
    );
    let other: Arc<dyn Layer> = Arc::new(wharf_v1::random::layer(2, 1000));
    let written = kit.client.write_layer(&app(), &other).await.expect("written");
    assert_eq!(
        kit.asked_a(),
        [
            "POST app/blobs/uploads/?mount=D&from=app 202",
            "PUT app/blobs/uploads/U?digest=D 201"
        ]
    );
    let first = layer(1000).descriptor().await.expect("known").size();
    assert_eq!(sent(&kit.events.take()), first + written.size());
}

/// Whatever a registry says to it, the blob gets there if there is a way.
#[tokio::test(start_paused = true)]
async fn a_single_request_that_is_refused_is_not_the_end() {
    for status in [400, 405, 411, 500, 501, 503] {
        let kit = Kit::new();
        let status = StatusCode::from_u16(status).expect("a status");
        kit.a
            .faults()
            .add(Fault::on(Method::POST, "?digest=").then(Reaction::status(status)));
        write(&kit, &layer(1000)).await;
    }
    let kit = Kit::new();
    let denied = Reaction::status(StatusCode::FORBIDDEN);
    kit.a
        .faults()
        .add(Fault::on(Method::POST, "/uploads/").then(denied));
    let error = kit.client.write_layer(&app(), &layer(1000)).await;
    assert!(error.expect_err("denied").is_denied());
    assert_eq!(kit.asked_a().len(), 1);
}

/// One that claims to have taken what it has not is caught by the manifest.
#[tokio::test]
async fn a_single_request_that_is_claimed_to_work_is_not_believed_for_long() {
    let kit = Kit::new();
    let claimed = Reaction::status(StatusCode::CREATED);
    kit.a
        .faults()
        .add(Fault::on(Method::POST, "?digest=").then(claimed));
    let image = wharf_v1::random::image(1, 2, 1000);
    let tag = reference("a.test/app:v1");
    kit.client.write(&tag, &image).await.expect("written");
    let there = kit.fresh_client().image(&tag, None).await.expect("there");
    for layer in wharf_v1::Image::layers(&there).await.expect("layers") {
        let read = layer.compressed().await.expect("there");
        read.collect(1 << 20).await.expect("whole");
    }
}
