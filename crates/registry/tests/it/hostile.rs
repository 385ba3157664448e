//! Requests that mean no good.

use futures_util::future::join_all;
use http::Request;
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use tower::ServiceExt as _;
use wharf_registry::store::{MemoryOptions, MemoryStore};
use wharf_registry::{Body, Registry};

use crate::harness::Harness;

/// Where a path that gets out of the store's directory would find something.
#[tokio::test]
async fn paths_do_not_lead_out_of_the_store() {
    for registry in Harness::each().await {
        registry.image("a", "x").await;
        for name in [
            "..",
            "../..",
            "a/..",
            "%2e%2e",
            "..%2f..",
            "a%2f..",
            "a/%2e%2e/b",
            ".%2e",
            "a\\..",
            "%5c..%5c",
            "%00",
            "a%00",
            "a%0a",
            "_blobs",
            "a/_manifests",
            "%c0%ae%c0%ae",
        ] {
            for rest in [
                "manifests/x",
                "tags/list",
                "blobs/uploads/",
                "blobs/sha256:..%2f..",
                "manifests/..%2f..",
                "blobs/uploads/..%2fx",
            ] {
                for method in ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"] {
                    let reply = registry
                        .ask(method, &format!("/v2/{name}/{rest}"), &[], "x")
                        .await;
                    assert!(
                        reply.status.is_client_error(),
                        "{method} {name}/{rest}: {reply:?}"
                    );
                }
            }
        }
        for reference in [
            "..",
            "..%2fx",
            "%00",
            "x%00",
            "x%2f..",
            "sha256:..%2f",
            "sha512:..",
            &"x".repeat(5000),
        ] {
            for method in ["GET", "PUT", "DELETE"] {
                let reply = registry
                    .ask(method, &format!("/v2/a/manifests/{reference}"), &[], "x")
                    .await;
                assert!(reply.status.is_client_error(), "{method} {reference}: {reply:?}");
            }
        }
        let mount = format!("/v2/a/blobs/uploads/?mount={}&from=..%2f..", wharf_v1::sha256(""));
        registry
            .ask("POST", &mount, &[], "")
            .await
            .expect_error(400, "NAME_INVALID");
        registry
            .get("/v2/a/tags/list?last=..%2f..%2f&n=1")
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn many_half_open_uploads_are_refused_and_harm_nobody() {
    let store = MemoryStore::with_options(MemoryOptions::default().with_max_uploads(50));
    let registry = Harness::new(Registry::builder().store(std::sync::Arc::new(store)).build());
    let mine = registry.upload("mine").await;
    let mut refused = 0;
    for _ in 0..200 {
        let reply = registry.ask("POST", "/v2/a/blobs/uploads/", &[], "").await;
        if reply.status == 429 {
            reply
                .expect_error(429, "TOOMANYREQUESTS")
                .expect_header("retry-after", "10");
            refused += 1;
        }
    }
    assert_eq!(refused, 151);
    let digest = wharf_v1::sha256("foo");
    registry
        .ask("PUT", &format!("{mine}?digest={digest}"), &[], "foo")
        .await
        .expect(201);
}

#[tokio::test]
async fn a_full_store_says_so_and_recovers() {
    let store = MemoryStore::with_options(MemoryOptions::default().with_capacity(1000));
    let registry = Harness::new(Registry::builder().store(std::sync::Arc::new(store)).build());
    let large = vec![0; 2000];
    let path = format!("/v2/a/blobs/uploads/?digest={}", wharf_v1::sha256(&large));
    registry
        .ask("POST", &path, &[], large.clone())
        .await
        .expect_error(507, "INTERNAL_ERROR");
    registry
        .put("/v2/a/manifests/x", "text/plain", large)
        .await
        .expect_error(507, "INTERNAL_ERROR");
    registry.image("a", "x").await;
}

#[tokio::test]
async fn many_pushes_of_the_same_at_once() {
    for registry in Harness::each().await {
        join_all((0..16).map(|_| registry.image("a", "x"))).await;
        let pulled = registry.get("/v2/a/manifests/x").await;
        pulled
            .expect(200)
            .expect_header("docker-content-digest", wharf_v1::sha256(&pulled.body).as_ref());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is asked, the answer is no failure of the server, and an error has an envelope.
    #[test]
    fn nothing_that_is_asked_is_a_failure(
        method in "GET|HEAD|PUT|POST|PATCH|DELETE|BREW",
        path in "/v2/([a-z%/:.@_-]|%2[a-fA-F0-9]|blobs|uploads|manifests|tags|list|referrers|sha256:|_catalog){0,12}",
        query in "([a-z&=%+:0-9-]|digest|mount|from|last|tag|n=){0,12}",
        name in "range|content-range|content-length|content-type|if-none-match|expect|authorization",
        value in "[ -~]{0,40}",
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let Ok(request) = Request::builder()
            .method(&*method)
            .uri(format!("{path}?{query}"))
            .header(name, value)
            .body(Body::full(body))
        else {
            return Ok(());
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let response = runtime.block_on(async {
            let Ok(response) = Registry::default().oneshot(request).await;
            let (parts, body) = response.into_parts();
            (parts, body.collect().await.expect("a whole body").to_bytes())
        });
        prop_assert!(!response.0.status.is_server_error(), "{:?}", response);
        if response.0.status.is_client_error() && method != "HEAD" {
            let json: serde_json::Value = serde_json::from_slice(&response.1).expect("an envelope");
            prop_assert!(json["errors"][0]["code"].is_string());
        }
    }
}
