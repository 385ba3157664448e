//! Recording requests and injecting faults.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use wharf_registry::hook::{Fault, Gate, Reaction};
use wharf_registry::{Body, Registry};

use crate::harness::Harness;

fn harness() -> Harness {
    Harness::new(Registry::in_memory())
}

/// The bytes of a body up to its end, and whether that was an error.
async fn read(registry: &Harness, path: &str) -> (Vec<u8>, bool) {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let Ok(response) = registry.registry.clone().oneshot(request).await;
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    loop {
        match body.frame().await {
            None => return (bytes, false),
            Some(Err(_)) => return (bytes, true),
            Some(Ok(frame)) => bytes.extend_from_slice(&frame.into_data().expect("data")),
        }
    }
}

#[tokio::test]
async fn requests_are_recorded() {
    let registry = harness();
    let digest = registry.blob("a", "foo").await;
    let path = format!("/v2/a/blobs/{digest}");
    registry
        .ask(
            "GET",
            &path,
            &[("range", "bytes=0-1"), ("authorization", "Basic c2VjcmV0")],
            "",
        )
        .await;
    registry.head("/v2/?x=1").await;
    let log = registry.registry.log();
    let post = format!("POST /v2/a/blobs/uploads/?digest={digest} 201");
    assert_eq!(
        log.lines(),
        [post, format!("GET {path} 206"), "HEAD /v2/?x=1 200".to_owned()]
    );
    let [post, get, head] = &log.requests()[..] else {
        panic!("three requests")
    };
    assert_eq!((post.received, post.sent), (3, 0));
    assert_eq!((get.received, get.sent), (0, 2));
    assert_eq!(get.header("range"), Some("bytes=0-1"));
    assert_eq!(get.header("authorization"), Some("Basic"));
    assert_eq!(
        (head.path.as_str(), head.query.as_deref(), head.sent),
        ("/v2/", Some("x=1"), 0)
    );
    assert!(
        post.began < post.ended.expect("ended") && post.ended < Some(get.began),
        "{post:?} {get:?}"
    );
    assert_eq!(log.count(|record| record.method == Method::GET), 1);
    assert_eq!(log.take().len(), 3);
    assert!(log.is_empty());
    assert!(Harness::new(Registry::default()).registry.log().is_empty());
}

#[tokio::test]
async fn a_fault_meets_so_many_requests() {
    let registry = harness();
    let busy = Reaction::status(StatusCode::TOO_MANY_REQUESTS).with_retry_after("7");
    let fault = Fault::on(Method::GET, "/v2/").after(1).times(2).then(busy);
    let handle = registry.registry.faults().add(fault);
    registry.get("/v2/").await.expect(200);
    for _ in 0..2 {
        let reply = registry.get("/v2/").await;
        assert_eq!(reply.status, 429);
        assert_eq!(reply.header("retry-after"), "7");
        assert_eq!(reply.json()["errors"][0]["code"], "TOOMANYREQUESTS");
        registry.head("/v2/").await.expect(200);
    }
    registry.get("/v2/").await.expect(200);
    assert_eq!(handle.hits(), 2);
    registry
        .registry
        .faults()
        .add(Fault::when(|_| true).then(Reaction::status(StatusCode::BAD_GATEWAY).with_body("<html>")));
    assert_eq!(registry.get("/v2/").await.body, "<html>");
    registry.registry.faults().clear();
    registry.get("/v2/").await.expect(200);
    let handle = registry
        .registry
        .faults()
        .add(Fault::when(|_| true).then(Reaction::status(StatusCode::IM_A_TEAPOT)));
    assert_eq!(registry.get("/v2/").await.status, 418);
    handle.remove();
    registry.get("/v2/").await.expect(200);
}

#[tokio::test]
async fn bodies_are_cut_corrupted_and_replaced() {
    let registry = harness();
    let content: Bytes = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let digest = registry.blob("a", content.clone()).await;
    let path = format!("/v2/a/blobs/{digest}");
    let faults = registry.registry.faults();
    for after in [0, 1, 399_999, 400_000, 500_000] {
        faults.clear();
        faults.add(Fault::on(Method::GET, "/blobs/").then(Reaction::cut_body(after)));
        let (bytes, broken) = read(&registry, &path).await;
        let whole = after >= content.len() as u64;
        let kept = content.len().min(usize::try_from(after).expect("small"));
        assert_eq!((bytes == content[..kept], broken), (true, !whole), "{after}");
    }
    for at in [0, 300_000, 399_999] {
        faults.clear();
        faults.add(Fault::on(Method::GET, "/blobs/").then(Reaction::corrupt_body(at)));
        let (bytes, broken) = read(&registry, &path).await;
        let wrong: Vec<usize> = (0..content.len())
            .filter(|at| bytes[*at] != content[*at])
            .collect();
        assert_eq!((bytes.len(), broken), (content.len(), false));
        assert_eq!(wrong, [usize::try_from(at).expect("small")]);
    }
    faults.clear();
    faults.add(Fault::on(Method::GET, "/blobs/").then(Reaction::replace_body("other")));
    let reply = registry.get(&path).await;
    reply
        .expect(200)
        .expect_body("other")
        .expect_header("content-length", "5");
    reply.expect_header("docker-content-digest", digest.as_ref());
}

#[tokio::test]
async fn headers_are_changed_and_requests_redirected() {
    let registry = harness();
    let faults = registry.registry.faults();
    let digest = HeaderName::from_static("docker-content-digest");
    faults.add(Fault::on(Method::GET, "x").then(Reaction::remove_header(digest.clone())));
    faults.add(
        Fault::on(Method::HEAD, "x").then(Reaction::set_header(digest, HeaderValue::from_static("wrong"))),
    );
    registry.image("a", "x").await;
    assert!(
        !registry
            .get("/v2/a/manifests/x")
            .await
            .expect(200)
            .headers
            .contains_key("docker-content-digest")
    );
    registry
        .head("/v2/a/manifests/x")
        .await
        .expect_header("docker-content-digest", "wrong");
    faults
        .add(Fault::on(Method::GET, "/blobs/").then(Reaction::redirect("http://elsewhere.test/blob?sig=1")));
    let reply = registry
        .get(&format!("/v2/a/blobs/{}", wharf_v1::sha256("")))
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("location")),
        (307, "http://elsewhere.test/blob?sig=1")
    );
}

#[tokio::test]
async fn a_response_that_is_dropped_was_acted_on() {
    let registry = harness();
    let fault = Fault::on(Method::PUT, "/manifests/")
        .times(1)
        .then(Reaction::drop_response());
    registry.registry.faults().add(fault);
    let put = Request::put("/v2/a/manifests/x")
        .body(Body::full("foo"))
        .expect("a request");
    let Ok(response) = registry.registry.clone().oneshot(put).await;
    assert!(
        response.into_body().collect().await.is_err(),
        "a broken body, where the server cannot break the connection"
    );
    registry.get("/v2/a/manifests/x").await.expect(200);
    assert_eq!(registry.registry.log().requests()[0].status, None);
}

#[tokio::test(start_paused = true)]
async fn requests_are_delayed_by_the_runtimes_clock() {
    let registry = harness();
    registry
        .registry
        .faults()
        .add(Fault::on(Method::GET, "/v2/").then(Reaction::delay(Duration::from_secs(60))));
    let before = tokio::time::Instant::now();
    registry.get("/v2/").await.expect(200);
    assert_eq!(before.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn requests_are_held_at_a_gate() {
    let registry = harness();
    let gate = Gate::new();
    registry
        .registry
        .faults()
        .add(Fault::on(Method::GET, "/v2/").then(Reaction::hold(&gate)));
    let held = async { (registry.get("/v2/").await, registry.registry.log().len()) };
    let opener = async {
        gate.reached_by(2).await;
        assert_eq!(registry.registry.log().lines(), ["GET /v2/ -", "GET /v2/ -"]);
        gate.open();
    };
    let (first, second, ()) = futures_util::future::join3(held, registry.get("/v2/"), opener).await;
    first.0.expect(200);
    assert_eq!(registry.registry.log().sequential_depth(), 1, "both at once");
    second.expect(200);
    registry.get("/v2/").await.expect(200);
    assert_eq!(registry.registry.log().sequential_depth(), 2);
}

#[tokio::test]
async fn a_body_is_taken_before_a_refusal() {
    let registry = harness();
    let unavailable = Reaction::status(StatusCode::SERVICE_UNAVAILABLE);
    let fault = Fault::on(Method::PUT, "/manifests/")
        .then(Reaction::take_body(2))
        .then(unavailable);
    registry.registry.faults().add(fault);
    assert_eq!(registry.put("/v2/a/manifests/x", "", "foo").await.status, 503);
    assert_eq!(
        registry.registry.log().requests()[0].received,
        3,
        "a piece is taken whole"
    );
}
