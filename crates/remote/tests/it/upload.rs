//! Uploads in good and bad weather.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use oci_spec::image::{Descriptor, MediaType};
use wharf_name::Repository;
use wharf_registry::Registry;
use wharf_registry::hook::{Fault, Feature, Gate, Profile, Reaction};
use wharf_remote::{Error, NonDistributable};
use wharf_transport::origin::Origin;
use wharf_transport::settings::RegistrySettings;
use wharf_v1::Layer;
use wharf_v1::partial::StaticLayer;

use crate::kit::{Kit, recording, reference, repository};
use crate::odd::{Odd, OddImage};

const SIZE: usize = 100_000;

fn layer(seed: u64) -> Arc<dyn Layer> {
    Arc::new(wharf_v1::random::layer(seed, SIZE))
}

fn app() -> Repository {
    repository("a.test/app")
}

/// A `PUT` to a session that brings bytes.
fn full_put() -> Fault {
    Fault::when(|request| {
        let length = request
            .headers
            .get("content-length")
            .and_then(|length| length.to_str().ok());
        request.method == Method::PUT
            && request.uri.path().contains("/uploads/")
            && length.is_some_and(|length| length != "0")
    })
}

async fn read_back(kit: &Kit, descriptor: &Descriptor) {
    let blob = app().digest(descriptor.digest().clone());
    let bytes = kit
        .fresh_client()
        .blob(&blob)
        .await
        .expect("there")
        .collect(1 << 20)
        .await
        .expect("good");
    assert_eq!(bytes.len() as u64, descriptor.size());
}

/// What the events say was sent for good.
pub(crate) fn sent(events: &[String]) -> u64 {
    let sum = |word: &str| -> u64 {
        let numbers = events
            .iter()
            .filter_map(|event| event.strip_prefix(word)?.trim().parse::<u64>().ok());
        numbers.sum()
    };
    sum("sent ") - sum("rewound ")
}

#[tokio::test]
async fn a_blob_goes_up_in_one_request() {
    let kit = Kit::new();
    let descriptor = kit.client.write_layer(&app(), &layer(1)).await.expect("written");
    let requests = kit.a.log().requests();
    let put = requests.last().expect("a request");
    assert_eq!(put.header("content-type"), Some("application/octet-stream"));
    assert_eq!(
        put.header("content-length"),
        Some(descriptor.size().to_string().as_str())
    );
    assert_eq!(
        kit.asked_a(),
        [
            "POST app/blobs/uploads/?mount=D&from=app 202",
            "PUT app/blobs/uploads/U?digest=D 201"
        ]
    );
    let events = kit.events.take();
    assert_eq!(sent(&events), descriptor.size());
    assert_eq!(events.last().map(String::as_str), Some("pushed blob"));
    kit.client.write_layer(&app(), &layer(1)).await.expect("known");
    kit.fresh_client()
        .write_layer(&app(), &layer(1))
        .await
        .expect("there");
    assert_eq!(kit.asked_a(), ["POST app/blobs/uploads/?mount=D&from=app 201"]);
    read_back(&kit, &descriptor).await;
}

#[tokio::test]
async fn a_blob_of_another_size_is_sent_again() {
    let kit = Kit::new();
    kit.client.write_layer(&app(), &layer(1)).await.expect("written");
    kit.forget_requests();
    let torn = Reaction::set_header(http::header::CONTENT_LENGTH, HeaderValue::from_static("12"));
    kit.a.faults().add(Fault::on(Method::HEAD, "/blobs/").then(torn));
    mounts_nothing(&kit);
    kit.fresh_client()
        .write_layer(&app(), &layer(1))
        .await
        .expect("written");
    assert_eq!(kit.asked_a().len(), 4);
}

/// Lets the first registry refuse the question that a mount is.
fn mounts_nothing(kit: &Kit) {
    let refused = Reaction::status(StatusCode::BAD_REQUEST);
    kit.a
        .faults()
        .add(Fault::on(Method::POST, "?mount=").then(refused));
}

/// A registry that mounts nothing is asked by `HEAD`, and whether it mounts is not asked again.
#[tokio::test]
async fn a_registry_that_refuses_mounts_is_asked_otherwise() {
    let kit = Kit::new();
    mounts_nothing(&kit);
    for (seed, first) in [(1, 4), (2, 3)] {
        kit.client
            .write_layer(&app(), &layer(seed))
            .await
            .expect("written");
        assert_eq!(kit.asked_a().len(), first, "layer {seed}");
    }
    let client = kit.fresh_client();
    client.write_layer(&app(), &layer(1)).await.expect("there");
    assert_eq!(
        kit.asked_a(),
        [
            "POST app/blobs/uploads/?mount=D&from=app 400",
            "HEAD app/blobs/D 200"
        ]
    );
}

/// A registry that says yes to every mount is caught by the manifest that misses its parts.
#[tokio::test]
async fn a_registry_that_claims_mounts_is_not_believed_for_long() {
    let kit = Kit::new();
    let claimed = Reaction::status(StatusCode::CREATED);
    kit.a
        .faults()
        .add(Fault::on(Method::POST, "?mount=").then(claimed));
    let image = wharf_v1::random::image(1, 2, SIZE);
    for tag in ["a.test/app:v1", "a.test/other:v1"] {
        let written = kit.client.write(&reference(tag), &image).await.expect("written");
        let there = kit
            .fresh_client()
            .image(&reference(tag), None)
            .await
            .expect("there");
        assert_eq!(there.as_descriptor(), &written);
        for layer in wharf_v1::Image::layers(&there).await.expect("layers") {
            layer
                .compressed()
                .await
                .expect("there")
                .collect(1 << 20)
                .await
                .expect("whole");
        }
    }
    let claims = kit
        .asked_a()
        .iter()
        .filter(|line| line.contains("mount="))
        .count();
    assert_eq!(claims, 2, "the layers of the first push");
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_takes_no_bytes_with_the_put_is_remembered() {
    for status in [
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::BAD_REQUEST,
        StatusCode::NOT_IMPLEMENTED,
    ] {
        let kit = Kit::new();
        kit.a.faults().add(full_put().then(Reaction::status(status)));
        let descriptor = kit.client.write_layer(&app(), &layer(1)).await.expect("written");
        read_back(&kit, &descriptor).await;
        assert_eq!(sent(&kit.events.take()), descriptor.size());
        // The session that was refused is given up behind the scenes.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        kit.forget_requests();
        kit.client.write_layer(&app(), &layer(2)).await.expect("written");
        assert_eq!(
            kit.asked_a(),
            [
                "POST app/blobs/uploads/?mount=D&from=app 202",
                "PATCH app/blobs/uploads/U 202",
                "PUT app/blobs/uploads/U?digest=D 201"
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_was_lost_has_succeeded() {
    let kit = Kit::new();
    kit.a
        .faults()
        .add(full_put().times(1).then(Reaction::drop_response()));
    let descriptor = kit.client.write_layer(&app(), &layer(1)).await.expect("written");
    let asked = kit.asked_a();
    assert_eq!(asked[1], "PUT app/blobs/uploads/U?digest=D -");
    assert_eq!(asked[2], "HEAD app/blobs/D 200");
    assert_eq!(asked.iter().filter(|line| line.starts_with("PUT")).count(), 1);
    assert_eq!(sent(&kit.events.take()), descriptor.size());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_half_way_begins_a_new_session() {
    let kit = Kit::new();
    kit.a
        .faults()
        .add(full_put().times(2).then(Reaction::drop_connection_after(50_000)));
    let descriptor = kit.client.write_layer(&app(), &layer(1)).await.expect("written");
    read_back(&kit, &descriptor).await;
    let events = kit.events.take();
    assert_eq!(sent(&events), descriptor.size());
    assert_eq!(events.iter().filter(|event| *event == "retrying").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_session_begins_a_new_one() {
    let kit = Kit::new();
    kit.a
        .faults()
        .add(full_put().times(1).then(Reaction::status(StatusCode::NOT_FOUND)));
    kit.client.write_layer(&app(), &layer(1)).await.expect("written");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    kit.forget_requests();
    kit.client.write_layer(&app(), &layer(2)).await.expect("written");
    assert_eq!(kit.asked_a().len(), 2, "the way of uploading has not changed");
}

#[tokio::test(start_paused = true)]
async fn what_never_works_fails_and_leaves_no_session() {
    let kit = Kit::new();
    kit.a
        .faults()
        .add(full_put().then(Reaction::status(StatusCode::SERVICE_UNAVAILABLE)));
    let tag = reference("a.test/app:v1");
    let error = kit
        .client
        .write(&tag, &wharf_v1::random::image(1, 1, SIZE))
        .await
        .expect_err("never works");
    assert!(error.is_temporary());
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let asked = kit.asked_a();
    assert!(!asked.iter().any(|line| line.starts_with("PUT app/manifests")));
    let begun = asked
        .iter()
        .filter(|line| line.starts_with("POST") && line.ends_with("202"));
    let begun = begun.count();
    let given_up = asked.iter().filter(|line| line.starts_with("DELETE")).count();
    assert_eq!(begun, given_up, "{asked:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_repeated() {
    let kit = Kit::new();
    kit.a
        .faults()
        .add(full_put().then(Reaction::status(StatusCode::FORBIDDEN)));
    let error = kit
        .client
        .write_layer(&app(), &layer(1))
        .await
        .expect_err("denied");
    assert!(error.is_denied());
    assert_eq!(
        kit.asked_a()
            .iter()
            .filter(|line| line.starts_with("PUT"))
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_location_elsewhere_gets_no_credential() {
    let kit = Kit::with(recording(), recording(), |client| {
        let basic = wharf_authn::Basic::new("user", "password");
        let name = app().registry().clone();
        client
            .keychain(Arc::new(wharf_authn::StaticKeychain::new(name, basic)))
            .upload_attempts(1)
    });
    let challenge = HeaderValue::from_static("Basic realm=\"a\"");
    let unauthorized =
        Reaction::status(StatusCode::UNAUTHORIZED).with_header(http::header::WWW_AUTHENTICATE, challenge);
    let bare = Fault::when(|request| !request.headers.contains_key("authorization"));
    kit.a.faults().add(bare.then(unauthorized.clone()));
    let elsewhere = HeaderValue::from_static("https://b.test/v2/app/blobs/uploads/1");
    kit.a.faults().add(
        Fault::on(Method::POST, "/uploads/").then(Reaction::set_header(http::header::LOCATION, elsewhere)),
    );
    kit.b
        .faults()
        .add(Fault::on(Method::PUT, "/uploads/").then(unauthorized));
    kit.client
        .write_layer(&app(), &layer(1))
        .await
        .expect_err("not let in there");
    let sent = kit.b.log().requests();
    assert!(
        sent.iter()
            .all(|request| request.header("authorization").is_none()),
        "{sent:#?}"
    );
    assert!(
        kit.a
            .log()
            .requests()
            .iter()
            .any(|request| request.header("authorization").is_some())
    );
}

#[tokio::test]
async fn a_location_inside_the_network_is_refused() {
    let kit = Kit::new();
    for location in [
        "https://169.254.169.254/latest/",
        "http://10.0.0.1/v2/",
        "ftp://a.test/v2/",
        "http://b.test/v2/",
    ] {
        kit.a.faults().clear();
        let header = HeaderValue::from_static(location);
        kit.a.faults().add(
            Fault::on(Method::POST, "/uploads/").then(Reaction::set_header(http::header::LOCATION, header)),
        );
        let error = kit
            .client
            .write_layer(&app(), &layer(1))
            .await
            .expect_err(location);
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(cause.starts_with("refusing location"), "{cause}");
    }
    assert!(!kit.asked_a().iter().any(|line| line.starts_with("PUT")));
}

#[tokio::test]
async fn a_location_inside_the_network_is_followed_if_it_is_trusted() {
    let trusted = Origin::of(&"https://127.0.0.1:9000".parse().expect("URL")).expect("an origin");
    let settings = RegistrySettings::default().with_trusted_target(trusted);
    let kit = Kit::with(recording(), recording(), |client| {
        client.configure(|transport| transport.registry_settings(app().registry(), settings))
    });
    for (location, is_followed) in [
        ("https://127.0.0.1:9000/v2/app/blobs/uploads/1", true),
        ("https://127.0.0.1:9001/v2/app/blobs/uploads/1", false),
    ] {
        kit.a.faults().clear();
        let header = HeaderValue::from_static(location);
        kit.a.faults().add(
            Fault::on(Method::POST, "/uploads/").then(Reaction::set_header(http::header::LOCATION, header)),
        );
        kit.client
            .write_layer(&app(), &layer(1))
            .await
            .expect_err("the session is of another registry");
        let arrived = kit.asked_b().iter().any(|line| line.starts_with("PUT"));
        assert_eq!(arrived, is_followed, "{location}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_a_registry_asks_for_is_kept() {
    let kit = Kit::new();
    let busy = Reaction::status(StatusCode::TOO_MANY_REQUESTS).with_retry_after("7");
    kit.a.faults().add(full_put().times(1).then(busy));
    let began = tokio::time::Instant::now();
    kit.client.write_layer(&app(), &layer(1)).await.expect("written");
    assert_eq!(began.elapsed().as_secs(), 7);
}

#[tokio::test]
async fn an_abandoned_push_gives_up_its_session() {
    let kit = Kit::new();
    let gate = Gate::new();
    kit.a.faults().add(full_put().then(Reaction::hold(&gate)));
    let push = tokio::spawn({
        let client = kit.client.clone();
        async move { client.write_layer(&app(), &layer(1)).await }
    });
    gate.reached_by(1).await;
    push.abort();
    assert!(push.await.expect_err("aborted").is_cancelled());
    while !kit.a.log().lines().iter().any(|line| line.starts_with("DELETE")) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn no_more_blobs_than_jobs_are_under_way() {
    let kit = Kit::with(recording(), recording(), |client| client.jobs(3));
    let gate = Gate::new();
    kit.a.faults().add(full_put().then(Reaction::hold(&gate)));
    let push = tokio::spawn({
        let client = kit.client.clone();
        let image = wharf_v1::random::image(1, 9, 200_000);
        async move { client.write(&reference("a.test/app:v1"), &image).await }
    });
    gate.reached_by(3).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let sending = kit.a.log().count(|request| request.method == Method::PUT);
    assert_eq!(sending, 3, "with the config, which is small");
    gate.open();
    push.await.expect("no panic").expect("written");
}

#[tokio::test]
async fn what_several_images_share_goes_up_once() {
    let kit = Kit::new();
    let image = Arc::new(wharf_v1::random::image(1, 3, 100));
    let pushes = (0..10).map(|at| {
        let (client, image) = (kit.client.clone(), Arc::clone(&image));
        async move {
            client
                .write(&reference(&format!("a.test/app:v{at}")), &image)
                .await
        }
    });
    futures_util::future::try_join_all(pushes).await.expect("written");
    let asked = kit.asked_a();
    assert_eq!(asked.iter().filter(|line| line.starts_with("POST")).count(), 4);
    assert_eq!(
        asked
            .iter()
            .filter(|line| line.starts_with("PUT app/manifests"))
            .count(),
        10
    );
    assert_eq!(
        kit.client.tags(&app()).collect_all().await.expect("a list").len(),
        10
    );
}

#[tokio::test]
async fn what_was_removed_meanwhile_is_sent_again() {
    let kit = Kit::new();
    let image = wharf_v1::random::image(1, 1, 100);
    let written = kit
        .client
        .write(&reference("a.test/app:v1"), &image)
        .await
        .expect("written");
    // Behind the client's back: the manifest and a layer.
    let manifest = kit
        .client
        .image(&reference("a.test/app:v1"), None)
        .await
        .expect("there");
    let layer = wharf_v1::Image::layers(&manifest).await.expect("known").remove(0);
    let layer = layer.descriptor().await.expect("known");
    for path in [
        format!("manifests/{}", written.digest()),
        format!("blobs/{}", layer.digest()),
    ] {
        let request = Request::delete(format!("https://a.test/v2/app/{path}"));
        let request = request.body(wharf_transport::Body::empty()).expect("a request");
        kit.client.transport().send(request).await.expect("deleted");
    }
    kit.forget_requests();
    kit.client
        .write(&reference("a.test/app:v2"), &image)
        .await
        .expect("written");
    read_back(&kit, &layer).await;
}

#[tokio::test]
async fn a_registry_that_stores_something_else_is_caught() {
    let kit = Kit::new();
    let other = HeaderValue::from_str(wharf_v1::sha256("other").as_ref()).expect("a value");
    let name = HeaderName::from_static("docker-content-digest");
    kit.a
        .faults()
        .add(Fault::on(Method::PUT, "/manifests/").then(Reaction::set_header(name, other)));
    let error = kit
        .client
        .write(&reference("a.test/app:v1"), &wharf_v1::random::image(1, 1, 10))
        .await
        .expect_err("something else");
    assert!(matches!(error, Error::Answer { .. }), "{error:?}");
}

#[tokio::test]
async fn layers_that_must_not_be_distributed_are_skipped_unless_told_otherwise() {
    let media_type = MediaType::from(wharf_v1::media_type::DOCKER_FOREIGN_LAYER);
    let foreign: Arc<dyn Layer> = Arc::new(StaticLayer::new("windows", media_type));
    let kit = Kit::new();
    kit.client.write_layer(&app(), &foreign).await.expect("skipped");
    assert!(kit.asked_a().is_empty());
    assert_eq!(kit.events.take(), ["skipped blob"]);
    let kit = Kit::with(recording(), recording(), |client| {
        client.non_distributable(NonDistributable::Upload)
    });
    kit.client.write_layer(&app(), &foreign).await.expect("written");
    assert_eq!(kit.asked_a(), ["POST app/blobs/uploads/?digest=D 201"]);
}

#[tokio::test]
async fn what_is_no_json_is_no_manifest() {
    let kit = Kit::new();
    let tag = reference("a.test/app:v1");
    for raw in ["", "[]", "<html>", "{"] {
        let error = kit
            .client
            .put(&tag, MediaType::ImageManifest, raw)
            .await
            .expect_err("no manifest");
        assert!(matches!(error, Error::Input { .. }), "{raw}");
    }
    let by_digest = reference(&format!("a.test/app@{}", wharf_v1::sha256("other")));
    let error = kit
        .client
        .put(&by_digest, MediaType::ImageManifest, "{}")
        .await
        .expect_err("another digest");
    assert!(matches!(error, Error::Input { .. }));
    assert!(kit.asked_a().is_empty());
}

#[tokio::test]
async fn a_layer_of_unknown_digest_is_streamed() {
    let kit = Kit::new();
    let odd: Arc<dyn Layer> = Arc::new(Odd::new(b"some bytes"));
    let descriptor = kit.client.write_layer(&app(), &odd).await.expect("written");
    assert_eq!(*descriptor.digest(), wharf_v1::sha256("some bytes"));
    assert_eq!(
        kit.asked_a(),
        [
            "POST app/blobs/uploads/ 202",
            "PATCH app/blobs/uploads/U 202",
            "PUT app/blobs/uploads/U?digest=D 201"
        ]
    );
    assert_eq!(sent(&kit.events.take()), 10);
    read_back(&kit, &descriptor).await;
}

#[tokio::test]
async fn an_image_with_a_layer_of_unknown_digest_is_streamed() {
    let kit = Kit::new();
    let image = OddImage(Arc::new(Odd::new(b"some bytes")));
    let tag = reference("a.test/app:v1");
    let written = kit.client.write(&tag, &image).await.expect("written");
    assert_eq!(
        kit.asked_a(),
        [
            "POST app/blobs/uploads/ 202",
            "PATCH app/blobs/uploads/U 202",
            "PUT app/blobs/uploads/U?digest=D 201",
            "HEAD app/manifests/v1 404",
            "POST app/blobs/uploads/?digest=D 201",
            "PUT app/manifests/v1 201",
        ]
    );
    let there = kit.fresh_client().image(&tag, None).await.expect("there");
    assert_eq!(there.as_descriptor().digest(), written.digest());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_is_named_as_the_reason() {
    let kit = Kit::new();
    for claims in [None, Some(wharf_v1::sha256("some bytes"))] {
        let odd: Arc<dyn Layer> = Arc::new(Odd {
            fails: true,
            claims,
            ..Odd::new(b"some bytes")
        });
        let error = kit
            .client
            .write_layer(&app(), &odd)
            .await
            .expect_err("the source fails");
        let Error::Content { source, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(matches!(**source, wharf_v1::Error::Aborted), "{source:?}");
    }
    let puts = kit
        .asked_a()
        .into_iter()
        .filter(|line| line.starts_with("PUT") && line.ends_with("201"))
        .count();
    assert_eq!(puts, 0);
}

#[tokio::test(start_paused = true)]
async fn bytes_of_another_digest_are_not_committed() {
    let kit = Kit::new();
    let lie: Arc<dyn Layer> = Arc::new(Odd {
        claims: Some(wharf_v1::sha256("other")),
        ..Odd::new(b"some bytes")
    });
    let error = kit.client.write_layer(&app(), &lie).await.expect_err("a lie");
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
}

#[tokio::test]
async fn a_registry_without_head_for_blobs_gets_them_sent() {
    let registry = Registry::builder()
        .record()
        .profile(Profile::full().without(Feature::HeadBlobs))
        .build();
    let kit = Kit::with(registry, recording(), |client| client);
    kit.client.write_layer(&app(), &layer(1)).await.expect("written");
    assert_eq!(kit.asked_a().len(), 2);
}
