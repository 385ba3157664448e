//! Pushing blobs: monolithic, in chunks, by mount.

use bytes::Bytes;
use http::Request;
use oci_spec::image::Digest;
use wharf_registry::Body;

use crate::harness::Harness;

const FOO: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

fn sha512(bytes: &str) -> Digest {
    let mut hasher = wharf_v1::Hasher::new(&oci_spec::image::DigestAlgorithm::Sha512).expect("sha512");
    hasher.update(bytes.as_bytes());
    hasher.finish()
}

#[tokio::test]
async fn post_then_put() {
    for registry in Harness::each().await {
        for path in ["/v2/a/blobs/uploads/", "/v2/a/blobs/uploads"] {
            let begun = registry.ask("POST", path, &[], "").await;
            let location = begun
                .expect(202)
                .expect_header("range", "0-0")
                .header("location")
                .to_owned();
            assert!(
                location.ends_with(begun.header("docker-upload-uuid")),
                "{location}"
            );
            let done = registry
                .ask("PUT", &format!("{location}?digest={FOO}"), &[], "foo")
                .await;
            done.expect(201)
                .expect_header("location", &format!("/v2/a/blobs/{FOO}"))
                .expect_header("docker-content-digest", FOO);
            registry
                .get(done.header("location"))
                .await
                .expect(200)
                .expect_body("foo");
            registry
                .get(&location)
                .await
                .expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        }
    }
}

#[tokio::test]
async fn single_post() {
    for registry in Harness::each().await {
        let reply = registry
            .ask("POST", &format!("/v2/a/blobs/uploads/?digest={FOO}"), &[], "foo")
            .await;
        reply
            .expect(201)
            .expect_header("location", &format!("/v2/a/blobs/{FOO}"));
        let wrong = registry
            .ask("POST", &format!("/v2/a/blobs/uploads/?digest={FOO}"), &[], "bar")
            .await;
        wrong.expect_error(400, "DIGEST_INVALID");
        let none = registry
            .ask("POST", "/v2/a/blobs/uploads/?digest=sha256:asd", &[], "bar")
            .await;
        none.expect_error(400, "DIGEST_INVALID");
    }
}

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

#[tokio::test]
async fn a_wrong_digest_stores_nothing() {
    for registry in Harness::each().await {
        let location = registry.upload("a").await;
        registry.ask("PATCH", &location, &[], "bar").await.expect(202);
        registry
            .ask("PUT", &location, &[], "")
            .await
            .expect_error(400, "DIGEST_INVALID");
        registry
            .ask("PUT", &format!("{location}?digest=sha256:asd"), &[], "")
            .await
            .expect_error(400, "DIGEST_INVALID");
        registry.get(&location).await.expect(204);
        registry
            .ask("PUT", &format!("{location}?digest={FOO}"), &[], "")
            .await
            .expect_error(400, "DIGEST_INVALID");
        for digest in [FOO, wharf_v1::sha256("bar").as_ref()] {
            registry
                .get(&format!("/v2/a/blobs/{digest}"))
                .await
                .expect_error(404, "BLOB_UNKNOWN");
        }
    }
}

#[tokio::test]
async fn sha512_with_every_way_of_pushing() {
    for registry in Harness::each().await {
        for (at, way) in ["post", "put", "patch", "announced", "empty"]
            .into_iter()
            .enumerate()
        {
            let content = if way == "empty" {
                String::new()
            } else {
                format!("content {at}")
            };
            let digest = sha512(&content);
            let location = match way {
                "post" => {
                    let path = format!("/v2/a/blobs/uploads/?digest={digest}");
                    registry
                        .ask("POST", &path, &[], content.clone())
                        .await
                        .expect(201);
                    None
                }
                "announced" => {
                    let begun = registry
                        .ask("POST", "/v2/a/blobs/uploads/?digest-algorithm=sha512", &[], "")
                        .await;
                    Some(begun.expect(202).header("location").to_owned())
                }
                _ => Some(registry.upload("a").await),
            };
            if let Some(location) = location {
                let mut rest = content.clone();
                if way == "patch" || way == "announced" {
                    registry
                        .ask("PATCH", &location, &[], std::mem::take(&mut rest))
                        .await
                        .expect(202);
                }
                registry
                    .ask("PUT", &format!("{location}?digest={digest}"), &[], rest)
                    .await
                    .expect(201);
            }
            let reply = registry.get(&format!("/v2/a/blobs/{digest}")).await;
            reply
                .expect(200)
                .expect_body(&content)
                .expect_header("docker-content-digest", digest.as_ref());
        }
        let other = registry
            .ask("POST", "/v2/a/blobs/uploads/?digest-algorithm=md5", &[], "")
            .await;
        other.expect_error(400, "DIGEST_INVALID");
    }
}

#[tokio::test]
async fn an_upload_can_be_cancelled() {
    for registry in Harness::each().await {
        let location = registry.upload("a").await;
        registry.ask("PATCH", &location, &[], "foo").await.expect(202);
        registry.delete(&location).await.expect(204);
        registry
            .get(&location)
            .await
            .expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        registry
            .delete(&location)
            .await
            .expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        registry
            .ask("PATCH", &location, &[], "foo")
            .await
            .expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        registry
            .ask("PUT", &format!("{location}?digest={FOO}"), &[], "foo")
            .await
            .expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        // An upload is of one repository, and its id is no path.
        let location = registry.upload("a").await;
        registry
            .get(&location.replace("/v2/a/", "/v2/b/"))
            .await
            .expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        for id in ["x", "..", "..%2f..", "00000000-0000-4000-8000-000000000000"] {
            let reply = registry.get(&format!("/v2/a/blobs/uploads/{id}")).await;
            assert!(reply.status == 404 || reply.status == 400, "{id}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn a_blob_is_mounted() {
    for registry in Harness::each().await {
        let digest = registry.blob("from/here", "foo").await;
        let mount = |to: &str, rest: &str| format!("/v2/{to}/blobs/uploads/?mount={digest}{rest}");
        let reply = registry
            .ask("POST", &mount("to/there", "&from=from/here"), &[], "")
            .await;
        reply
            .expect(201)
            .expect_header("location", &format!("/v2/to/there/blobs/{digest}"))
            .expect_header("docker-content-digest", digest.as_ref());
        registry
            .get(&format!("/v2/to/there/blobs/{digest}"))
            .await
            .expect(200)
            .expect_body("foo");
        registry
            .ask("POST", &mount("anonymous", ""), &[], "")
            .await
            .expect(201);
        registry
            .get(&format!("/v2/anonymous/blobs/{digest}"))
            .await
            .expect(200);
        // What is not there makes an upload.
        let reply = registry.ask("POST", &mount("b", "&from=nowhere"), &[], "").await;
        let location = reply.expect(202).header("location").to_owned();
        registry
            .ask("PUT", &format!("{location}?digest={digest}"), &[], "foo")
            .await
            .expect(201);
        for repository in ["from/here", "to/there", "anonymous", "b"] {
            registry
                .delete(&format!("/v2/{repository}/blobs/{digest}"))
                .await
                .expect(202);
        }
        registry.ask("POST", &mount("c", ""), &[], "").await.expect(202);
        registry
            .ask("POST", &mount("c", "&from=a%00b"), &[], "")
            .await
            .expect_error(400, "NAME_INVALID");
    }
}

#[tokio::test]
async fn the_empty_blob() {
    for registry in Harness::each().await {
        let digest = wharf_v1::sha256("");
        let location = registry.upload("a").await;
        registry
            .ask("PUT", &format!("{location}?digest={digest}"), &[], "")
            .await
            .expect(201);
        registry
            .get(&format!("/v2/a/blobs/{digest}"))
            .await
            .expect(200)
            .expect_body("")
            .expect_header("content-length", "0");
        let location = registry.upload("a").await;
        registry
            .ask("PATCH", &location, &[], "")
            .await
            .expect(202)
            .expect_header("range", "0-0");
        registry
            .ask("PUT", &format!("{location}?digest={digest}"), &[], "")
            .await
            .expect(201);
    }
}
