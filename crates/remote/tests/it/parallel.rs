//! Large blobs, fetched in several parts at once.

use std::sync::Arc;

use http::{HeaderValue, Method, header};
use wharf_name::DigestReference;
use wharf_registry::Registry;
use wharf_registry::hook::{Fault, Feature, Profile, Reaction};
use wharf_v1::Layer;
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::StaticLayer;

use crate::kit::{Kit, recording, repository};

const PART: u64 = 8 << 20;
const SIZE: u64 = 2 * PART + 1000;

/// A blob of three parts at `a.test/app`, its bytes, and a client that fetches four at once.
async fn with_blob(profile: Profile) -> (Kit, DigestReference, Vec<u8>) {
    let registry = Registry::builder().record().profile(profile).build();
    let kit = Kit::with(registry, recording(), |client| client.parallel_ranges(4));
    let bytes: Vec<u8> = (0..SIZE).map(|at| (at / 3 % 251) as u8).collect();
    let layer: Arc<dyn Layer> = Arc::new(StaticLayer::new(bytes.clone(), MediaType::ImageLayer));
    let app = repository("a.test/app");
    let written = kit.client.write_layer(&app, &layer).await.expect("written");
    kit.forget_requests();
    (kit, app.digest(written.digest().clone()), bytes)
}

async fn read(kit: &Kit, blob: &DigestReference) -> Result<Vec<u8>, wharf_v1::Error> {
    let layer = kit.client.layer(blob);
    // Its size is known then, as that of a layer of an image is.
    layer.descriptor().await?;
    Ok(layer.compressed().await?.collect(SIZE * 2).await?.to_vec())
}

fn ranges(kit: &Kit) -> Vec<Option<String>> {
    let requests = kit.a.log().requests();
    let gets = requests.iter().filter(|request| request.method == Method::GET);
    gets.map(|request| request.header("range").map(str::to_owned))
        .collect()
}

fn part(first: u64) -> Option<String> {
    let last = SIZE.min(first + PART) - 1;
    Some(format!("bytes={first}-{last}"))
}

#[tokio::test]
async fn the_parts_are_those_of_the_whole() {
    let (kit, blob, bytes) = with_blob(Profile::full()).await;
    assert!(read(&kit, &blob).await.expect("good") == bytes);
    assert_eq!(ranges(&kit), [part(0), part(PART), part(2 * PART)]);
    assert!(kit.events.take().is_empty(), "nothing was resumed");
}

#[tokio::test(start_paused = true)]
async fn each_part_is_resumed_on_its_own() {
    for broken in [0, PART, 2 * PART] {
        let (kit, blob, bytes) = with_blob(Profile::full()).await;
        let range = part(broken).expect("a range");
        let fault = Fault::when(move |request| {
            request
                .headers
                .get(header::RANGE)
                .is_some_and(|value| value == range.as_str())
        });
        kit.a.faults().add(fault.times(1).then(Reaction::cut_body(500)));
        assert!(read(&kit, &blob).await.expect("good") == bytes);
        assert_eq!(kit.events.take(), [format!("resumed at {}", broken + 500)]);
        let last = SIZE.min(broken + PART) - 1;
        assert_eq!(ranges(&kit)[3], Some(format!("bytes={}-{last}", broken + 500)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_sends_no_parts_is_asked_once() {
    let (kit, blob, bytes) = with_blob(Profile::full().without(Feature::Ranges)).await;
    assert!(read(&kit, &blob).await.expect("good") == bytes);
    assert_eq!(ranges(&kit), [part(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_refuses_parts_is_read_whole() {
    for status in [400, 416] {
        let (kit, blob, bytes) = with_blob(Profile::full()).await;
        let refused = Reaction::status(status.try_into().expect("a status"));
        let fault = Fault::when(|request| request.headers.contains_key(header::RANGE));
        kit.a.faults().add(fault.then(refused));
        assert!(read(&kit, &blob).await.expect("good") == bytes);
        assert_eq!(ranges(&kit), [part(0), None]);
    }
}

#[tokio::test(start_paused = true)]
async fn other_parts_than_asked_for_are_not_taken() {
    let (kit, blob, bytes) = with_blob(Profile::full()).await;
    let other = HeaderValue::from_static("bytes 5-8/16778216");
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/blobs/").then(Reaction::set_header(header::CONTENT_RANGE, other)));
    assert!(read(&kit, &blob).await.expect("good, from whole answers") == bytes);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_part_makes_a_wrong_blob() {
    let (kit, blob, _) = with_blob(Profile::full()).await;
    let range = part(PART).expect("a range");
    let fault = Fault::when(move |request| {
        request
            .headers
            .get(header::RANGE)
            .is_some_and(|value| value == range.as_str())
    });
    kit.a.faults().add(fault.then(Reaction::corrupt_body(9)));
    let error = read(&kit, &blob).await.expect_err("other bytes");
    assert!(
        matches!(error, wharf_v1::Error::DigestMismatch { .. }),
        "{error:?}"
    );
}
