//! Pushing blobs in chunks.

use bytes::Bytes;
use http::Request;
use wharf_registry::Body;

use crate::harness::Harness;

const FOO: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

#[tokio::test]
async fn chunks() {
    for registry in Harness::each().await {
        let location = registry.upload("a").await;
        let chunk = [("content-range", "0-2")];
        registry
            .ask("PATCH", &location, &chunk, "foo")
            .await
            .expect(202)
            .expect_header("range", "0-2");
        let chunk = [("content-range", "bytes 3-5/*")];
        let reply = registry.ask("PATCH", &location, &chunk, "bar").await;
        reply
            .expect(202)
            .expect_header("range", "0-5")
            .expect_header("location", &location);
        registry
            .get(&location)
            .await
            .expect(204)
            .expect_header("range", "0-5")
            .expect_header("location", &location);
        let digest = wharf_v1::sha256("foobarbaz");
        let last = [("content-range", "6-8")];
        registry
            .ask("PUT", &format!("{location}?digest={digest}"), &last, "baz")
            .await
            .expect(201);
        registry
            .get(&format!("/v2/a/blobs/{digest}"))
            .await
            .expect(200)
            .expect_body("foobarbaz");
    }
}

#[tokio::test]
async fn a_chunk_out_of_order_is_refused_and_the_upload_stays() {
    for registry in Harness::each().await {
        let location = registry.upload("a").await;
        let early = [("content-range", "3-5")];
        registry
            .ask("PATCH", &location, &early, "bar")
            .await
            .expect(416)
            .expect_header("range", "0-0");
        registry
            .get(&location)
            .await
            .expect(204)
            .expect_header("range", "0-0");
        registry
            .ask("PATCH", &location, &[("content-range", "0-2")], "foo")
            .await
            .expect(202);
        let again = registry
            .ask("PATCH", &location, &[("content-range", "0-2")], "foo")
            .await;
        again
            .expect_error(416, "BLOB_UPLOAD_INVALID")
            .expect_header("location", &location)
            .expect_header("range", "0-2");
        for bad in ["0-bar", "3-", "bytes=3-5", "5-3", "-"] {
            registry
                .ask("PATCH", &location, &[("content-range", bad)], "bar")
                .await
                .expect(416);
        }
        let digest = wharf_v1::sha256("foobar");
        let put = format!("{location}?digest={digest}");
        registry
            .ask("PUT", &put, &[("content-range", "9-11")], "bar")
            .await
            .expect(416);
        registry
            .ask("PUT", &put, &[("content-range", "3-5")], "bar")
            .await
            .expect(201);
    }
}

#[tokio::test]
async fn a_chunk_of_the_wrong_length_leaves_the_upload_as_it_was() {
    for registry in Harness::each().await {
        let location = registry.upload("a").await;
        registry
            .ask("PATCH", &location, &[("content-range", "0-2")], "foo")
            .await
            .expect(202);
        for (range, body) in [("3-9", "bar"), ("3-4", "bar")] {
            let reply = registry
                .ask("PATCH", &location, &[("content-range", range)], body)
                .await;
            reply.expect_error(400, "SIZE_INVALID");
            // Without Content-Length it comes out while reading.
            let request = Request::patch(&location).header("content-range", range);
            let reply = registry
                .send(request.body(Body::full(body)).expect("a request"))
                .await;
            reply.expect_error(400, "SIZE_INVALID");
            registry
                .get(&location)
                .await
                .expect(204)
                .expect_header("range", "0-2");
        }
        for length in ["2", "4"] {
            let request = Request::patch(&location).header("content-length", length);
            let reply = registry
                .send(request.body(Body::full("bar")).expect("a request"))
                .await;
            reply.expect_error(400, "SIZE_INVALID");
        }
        for length in ["-1", "x", "1e3", "99999999999999999999999"] {
            let request = Request::patch(&location).header("content-length", length);
            let reply = registry
                .send(request.body(Body::full("bar")).expect("a request"))
                .await;
            reply.expect_error(400, "SIZE_INVALID");
        }
        registry
            .ask("PATCH", &location, &[], "bar")
            .await
            .expect(202)
            .expect_header("range", "0-5");
        let put = format!("{location}?digest={}", wharf_v1::sha256("foobar"));
        registry.ask("PUT", &put, &[], "").await.expect(201);
    }
}

#[tokio::test]
async fn a_chunk_that_breaks_off_can_be_gone_on_with() {
    for registry in Harness::each().await {
        let location = registry.upload("a").await;
        let broken = futures_util::stream::iter([
            Ok(Bytes::from_static(b"foo")),
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
        ]);
        let request = Request::patch(&location)
            .body(Body::stream(broken, 6))
            .expect("a request");
        registry
            .send(request)
            .await
            .expect_error(400, "BLOB_UPLOAD_INVALID");
        registry
            .get(&location)
            .await
            .expect(204)
            .expect_header("range", "0-2");
        registry
            .ask("PATCH", &location, &[("content-range", "3-5")], "bar")
            .await
            .expect(202);
        let put = format!("{location}?digest={}", wharf_v1::sha256("foobar"));
        registry.ask("PUT", &put, &[], "").await.expect(201);
    }
}

/// There is no least length of a chunk, and none is told.
#[tokio::test]
async fn chunks_may_be_of_one_byte() {
    for registry in Harness::each().await {
        let begun = registry.ask("POST", "/v2/a/blobs/uploads/", &[], "").await;
        assert!(!begun.expect(202).headers.contains_key("oci-chunk-min-length"));
        let location = begun.header("location").to_owned();
        for (at, byte) in ["f", "o", "o"].into_iter().enumerate() {
            let range = format!("{at}-{at}");
            let chunk = [("content-range", &*range)];
            let reply = registry.ask("PATCH", &location, &chunk, byte).await;
            reply.expect(202).expect_header("range", &format!("0-{at}"));
            assert!(!reply.headers.contains_key("oci-chunk-min-length"));
        }
        registry
            .ask("PUT", &format!("{location}?digest={FOO}"), &[], "")
            .await
            .expect(201);
    }
}

#[tokio::test]
async fn a_closing_chunk_out_of_order_is_refused_and_the_upload_stays() {
    for registry in Harness::each().await {
        let location = registry.upload("a").await;
        registry
            .ask("PATCH", &location, &[("content-range", "0-2")], "foo")
            .await
            .expect(202);
        let put = format!("{location}?digest={}", wharf_v1::sha256("foobar"));
        for range in ["9-11", "0-2", "2-4", "x"] {
            registry
                .ask("PUT", &put, &[("content-range", range)], "bar")
                .await
                .expect_error(416, "BLOB_UPLOAD_INVALID");
            registry
                .get(&location)
                .await
                .expect(204)
                .expect_header("range", "0-2");
        }
        registry
            .ask("PUT", &put, &[("content-range", "3-5")], "bar")
            .await
            .expect(201);
    }
}

#[tokio::test]
async fn the_progress_of_an_upload_is_told_by_get_and_head() {
    for registry in Harness::each().await {
        let location = registry.upload("a").await;
        registry.ask("PATCH", &location, &[], "foo").await.expect(202);
        for reply in [registry.get(&location).await, registry.head(&location).await] {
            reply
                .expect(204)
                .expect_header("range", "0-2")
                .expect_header("location", &location)
                .expect_body("");
        }
        let gone = location.replace("/v2/a/", "/v2/b/");
        registry
            .head(&gone)
            .await
            .expect_error(404, "BLOB_UPLOAD_UNKNOWN");
    }
}
