//! Pulling: the clauses of the specification on manifests, blobs, existence and ranges.

use crate::harness::{Harness, MANIFEST};

const ABSENT: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[tokio::test]
async fn support_is_told_at_the_base() {
    for registry in Harness::each().await {
        registry.get("/v2/").await.expect(200);
        registry.get("/v2").await.expect(200);
        registry.head("/v2/").await.expect(200).expect_body("");
        registry
            .ask("POST", "/v2/", &[], "")
            .await
            .expect_error(405, "UNSUPPORTED")
            .expect_header("allow", "GET, HEAD");
        for path in ["/", "/v2/bad", "/v1/", "/v2x/", "/v2/a/b/c", "/token"] {
            registry.get(path).await.expect_error(404, "UNSUPPORTED");
        }
    }
}

#[tokio::test]
async fn an_existing_blob_is_pulled_whole() {
    for registry in Harness::each().await {
        let digest = registry.blob("a/b", "foo").await;
        let path = format!("/v2/a/b/blobs/{digest}");
        for reply in [registry.get(&path).await, registry.head(&path).await] {
            reply
                .expect(200)
                .expect_header("content-length", "3")
                .expect_header("docker-content-digest", digest.as_ref())
                .expect_header("content-type", "application/octet-stream")
                .expect_header("accept-ranges", "bytes")
                .expect_header("etag", &format!("\"{digest}\""));
        }
        registry.get(&path).await.expect_body("foo");
        registry.head(&path).await.expect_body("");
        registry
            .get(&path.replace(':', "%3A"))
            .await
            .expect(200)
            .expect_body("foo");
    }
}

#[tokio::test]
async fn a_missing_blob_is_not_found() {
    for registry in Harness::each().await {
        registry.blob("here", "foo").await;
        for path in [
            format!("/v2/here/blobs/{ABSENT}"),
            format!("/v2/nowhere/blobs/{ABSENT}"),
        ] {
            registry.get(&path).await.expect_error(404, "BLOB_UNKNOWN");
            registry
                .head(&path)
                .await
                .expect_error(404, "BLOB_UNKNOWN")
                .expect_body("");
            registry.delete(&path).await.expect_error(404, "BLOB_UNKNOWN");
        }
    }
}

#[tokio::test]
async fn a_repository_shows_only_its_own_blobs() {
    for registry in Harness::each().await {
        let digest = registry.blob("mine", "foo").await;
        registry
            .get(&format!("/v2/yours/blobs/{digest}"))
            .await
            .expect_error(404, "BLOB_UNKNOWN");
        registry.blob("yours", "foo").await;
        registry
            .delete(&format!("/v2/yours/blobs/{digest}"))
            .await
            .expect(202);
        registry
            .get(&format!("/v2/yours/blobs/{digest}"))
            .await
            .expect_error(404, "BLOB_UNKNOWN");
        registry
            .get(&format!("/v2/mine/blobs/{digest}"))
            .await
            .expect(200)
            .expect_body("foo");
    }
}

#[tokio::test]
async fn ranges_are_served() {
    for registry in Harness::each().await {
        let digest = registry.blob("a", "foobar").await;
        let path = format!("/v2/a/blobs/{digest}");
        for (range, part, content_range) in [
            ("bytes=1-2", "oo", "bytes 1-2/6"),
            ("bytes=3-", "bar", "bytes 3-5/6"),
            ("bytes=-2", "ar", "bytes 4-5/6"),
            ("bytes=4-99", "ar", "bytes 4-5/6"),
            ("bytes=-99", "foobar", "bytes 0-5/6"),
        ] {
            registry
                .ask("GET", &path, &[("range", range)], "")
                .await
                .expect(206)
                .expect_body(part)
                .expect_header("content-range", content_range)
                .expect_header("content-length", &part.len().to_string())
                .expect_header("docker-content-digest", digest.as_ref());
        }
        for range in ["bytes=6-", "bytes=9-10", "bytes=5-0", "bytes=-0", "bytes=x"] {
            let reply = registry.ask("GET", &path, &[("range", range)], "").await;
            reply.expect(416).expect_header("content-range", "bytes */6");
        }
        for (name, value) in [
            ("range", "nibbles=1-2"),
            ("range", "bytes=0-0,2-2"),
            ("if-range", "x"),
        ] {
            let reply = registry
                .ask("GET", &path, &[("if-range", "\"x\""), (name, value)], "")
                .await;
            reply.expect(200).expect_body("foobar");
        }
        let etag = format!("\"{digest}\"");
        let same = [("if-range", &*etag), ("range", "bytes=0-0")];
        registry
            .ask("GET", &path, &same, "")
            .await
            .expect(206)
            .expect_body("f");
        registry
            .ask("HEAD", &path, &[("range", "bytes=0-0")], "")
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    for registry in Harness::each().await {
        let (digest, _) = registry.image("a", "latest").await;
        let etag = format!("\"{digest}\"");
        for tags in [&*etag, "*", &format!("\"x\", W/{etag}")] {
            for (method, reference) in [("GET", "latest"), ("HEAD", "latest"), ("GET", digest.as_ref())] {
                let path = format!("/v2/a/manifests/{reference}");
                let reply = registry.ask(method, &path, &[("if-none-match", tags)], "").await;
                reply.expect(304).expect_header("etag", &etag).expect_body("");
            }
        }
        let other = registry
            .ask("GET", "/v2/a/manifests/latest", &[("if-none-match", "\"x\"")], "")
            .await;
        other.expect(200);
        let blob = registry.blob("a", "foo").await;
        let path = format!("/v2/a/blobs/{blob}");
        registry
            .ask("GET", &path, &[("if-none-match", &format!("\"{blob}\""))], "")
            .await
            .expect(304);
        let absent = format!("/v2/a/manifests/{ABSENT}");
        registry
            .ask("GET", &absent, &[("if-none-match", "*")], "")
            .await
            .expect_error(404, "MANIFEST_UNKNOWN");
    }
}

#[tokio::test]
async fn manifests_are_pulled_by_tag_and_digest() {
    for registry in Harness::each().await {
        let (digest, manifest) = registry.image("a/b", "latest").await;
        for reference in ["latest", digest.as_ref()] {
            let path = format!("/v2/a/b/manifests/{reference}");
            for reply in [registry.get(&path).await, registry.head(&path).await] {
                reply
                    .expect(200)
                    .expect_header("content-type", MANIFEST)
                    .expect_header("content-length", &manifest.len().to_string())
                    .expect_header("docker-content-digest", digest.as_ref());
            }
            registry.get(&path).await.expect_body(&manifest);
            registry.head(&path).await.expect_body("");
        }
    }
}

#[tokio::test]
async fn a_missing_manifest_is_not_found() {
    for registry in Harness::each().await {
        registry.image("here", "latest").await;
        for reference in ["other", ABSENT, ".INVALID_MANIFEST_NAME", &"a".repeat(129)] {
            for repository in ["here", "nowhere"] {
                let path = format!("/v2/{repository}/manifests/{reference}");
                registry.get(&path).await.expect_error(404, "MANIFEST_UNKNOWN");
                registry
                    .head(&path)
                    .await
                    .expect_error(404, "MANIFEST_UNKNOWN")
                    .expect_body("");
                registry.delete(&path).await.expect_error(404, "MANIFEST_UNKNOWN");
            }
        }
    }
}

#[tokio::test]
async fn names_and_digests_that_are_none_are_refused() {
    for registry in Harness::each().await {
        for name in [
            "A",
            "a/../b",
            "..",
            "_a",
            "a%2fb",
            "a%00b",
            "a%ff",
            "a//b",
            "%2e%2e/a",
            &"a".repeat(256),
            "a:b",
        ] {
            for rest in [
                &format!("blobs/{ABSENT}"),
                "manifests/latest",
                "tags/list",
                "blobs/uploads/",
            ] {
                registry
                    .get(&format!("/v2/{name}/{rest}"))
                    .await
                    .expect_error(400, "NAME_INVALID");
            }
        }
        let long = format!("sha256:{}", "0".repeat(65));
        for digest in [
            "sha256:asd",
            "sha256:",
            "sha1:00",
            "foo",
            &long,
            &ABSENT.replace("0", "A"),
            &ABSENT.replace("sha256", "sha384"),
        ] {
            registry
                .get(&format!("/v2/a/blobs/{digest}"))
                .await
                .expect_error(400, "DIGEST_INVALID");
            registry
                .get(&format!("/v2/a/referrers/{digest}"))
                .await
                .expect_error(400, "DIGEST_INVALID");
        }
        registry
            .get("/v2/a/manifests/sha256:asd")
            .await
            .expect_error(400, "DIGEST_INVALID");
        registry
            .get("/v2/blobs/sha256:asd")
            .await
            .expect_error(400, "NAME_INVALID");
    }
}

#[tokio::test]
async fn methods_that_are_none_are_refused() {
    for registry in Harness::each().await {
        for path in [
            format!("/v2/a/blobs/{ABSENT}"),
            "/v2/a/manifests/x".into(),
            "/v2/a/tags/list".into(),
            "/v2/_catalog".into(),
            "/v2/a/blobs/uploads/".into(),
            format!("/v2/a/referrers/{ABSENT}"),
        ] {
            let reply = registry.ask("BAR", &path, &[], "").await;
            assert!(!reply.expect_error(405, "UNSUPPORTED").header("allow").is_empty());
        }
    }
}
