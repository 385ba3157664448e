//! Pushing blobs: monolithic, by mount.

use oci_spec::image::Digest;

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

/// Whichever way a blob is pushed, a digest that is none, or of an algorithm that nobody knows, is refused.
#[tokio::test]
async fn bad_digests_are_refused_whichever_way_a_blob_comes() {
    for registry in Harness::each().await {
        for digest in ["sha256:asd", "foo", "", "md5:acbd18db4cc2f85cedef654fccc4a4d8"] {
            let location = registry.upload("a").await;
            for (method, path) in [
                ("POST", format!("/v2/a/blobs/uploads/?digest={digest}")),
                ("POST", format!("/v2/a/blobs/uploads/?mount={digest}&from=b")),
                ("PUT", format!("{location}?digest={digest}")),
            ] {
                registry
                    .ask(method, &path, &[], "foo")
                    .await
                    .expect_error(400, "DIGEST_INVALID");
            }
        }
    }
}
