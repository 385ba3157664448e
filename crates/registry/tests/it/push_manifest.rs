//! Pushing, listing and deleting manifests.

use crate::harness::{Harness, INDEX, MANIFEST, manifest_of};

const ABSENT: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[tokio::test]
async fn a_manifest_is_stored_byte_for_byte() {
    for registry in Harness::each().await {
        let config = registry.blob("a", "{}").await;
        let manifest = format!(" {}\n\n", manifest_of(&config, &config));
        let digest = wharf_v1::sha256(&manifest);
        let reply = registry
            .put(
                "/v2/a/manifests/v1",
                &format!("{MANIFEST}; charset=utf-8"),
                manifest.clone(),
            )
            .await;
        reply
            .expect(201)
            .expect_header("location", &format!("/v2/a/manifests/{digest}"))
            .expect_header("docker-content-digest", digest.as_ref());
        assert!(!reply.headers.contains_key("oci-subject"));
        registry
            .get(reply.header("location"))
            .await
            .expect(200)
            .expect_body(&manifest);
        registry
            .get("/v2/a/manifests/v1")
            .await
            .expect(200)
            .expect_body(&manifest)
            .expect_header("content-type", MANIFEST);
    }
}

#[tokio::test]
async fn any_media_type_is_stored() {
    for registry in Harness::each().await {
        for (at, (sent, stored)) in [
            ("application/vnd.acme+json", "application/vnd.acme+json"),
            ("", "application/octet-stream"),
            (
                "application/vnd.docker.distribution.manifest.v1+prettyjws",
                "application/vnd.docker.distribution.manifest.v1+prettyjws",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let path = format!("/v2/a/manifests/v{at}");
            registry.put(&path, sent, "foo").await.expect(201);
            registry
                .get(&path)
                .await
                .expect(200)
                .expect_body("foo")
                .expect_header("content-type", stored);
        }
    }
}

#[tokio::test]
async fn a_manifest_under_a_digest_must_have_it() {
    for registry in Harness::each().await {
        let reply = registry
            .put(&format!("/v2/a/manifests/{ABSENT}"), "text/plain", "foo")
            .await;
        reply.expect_error(400, "DIGEST_INVALID");
        registry
            .put("/v2/a/manifests/sha256:totallywrong", MANIFEST, "foo")
            .await
            .expect_error(400, "DIGEST_INVALID");
        registry
            .put("/v2/a/manifests/.x", MANIFEST, "foo")
            .await
            .expect_error(400, "MANIFEST_INVALID");
        registry
            .put("/v2/a/manifests/x", MANIFEST, "foo")
            .await
            .expect_error(400, "MANIFEST_INVALID");
        registry
            .get("/v2/a/tags/list")
            .await
            .expect_error(404, "NAME_UNKNOWN");
    }
}

#[tokio::test]
async fn what_a_manifest_refers_to_must_exist() {
    for registry in Harness::each().await {
        let config = registry.blob("a", "{}").await;
        let absent = ABSENT.parse().expect("a digest");
        let reply = registry
            .put("/v2/a/manifests/x", MANIFEST, manifest_of(&config, &absent))
            .await;
        reply.expect_error(404, "MANIFEST_BLOB_UNKNOWN");
        registry
            .put("/v2/b/manifests/x", MANIFEST, manifest_of(&config, &config))
            .await
            .expect_error(404, "MANIFEST_BLOB_UNKNOWN");
        let index =
            |child: &str| format!(r#"{{"schemaVersion":2,"manifests":[{{"digest":"{child}","size":1}}]}}"#);
        registry
            .put("/v2/a/manifests/i", INDEX, index(ABSENT))
            .await
            .expect_error(404, "MANIFEST_BLOB_UNKNOWN");
        let (child, _) = registry.image("a", "child").await;
        registry
            .put("/v2/a/manifests/i", INDEX, index(child.as_ref()))
            .await
            .expect(201);
        registry
            .put("/v2/a/manifests/j", INDEX, index(config.as_ref()))
            .await
            .expect(201);
        registry
            .put("/v2/a/manifests/k", INDEX, "foo")
            .await
            .expect_error(400, "MANIFEST_INVALID");
    }
    let sparse = wharf_registry::Options::default().with_references(wharf_registry::References::MayBeMissing);
    for registry in Harness::each_with(sparse).await {
        let absent = ABSENT.parse().expect("a digest");
        registry
            .put("/v2/a/manifests/x", MANIFEST, manifest_of(&absent, &absent))
            .await
            .expect(201);
    }
}

#[tokio::test]
async fn a_manifest_has_a_size_limit() {
    let options = wharf_registry::Options::default().with_manifest_limit(10);
    for registry in Harness::each_with(options).await {
        registry
            .put("/v2/a/manifests/x", "text/plain", "0123456789")
            .await
            .expect(201);
        registry
            .put("/v2/a/manifests/x", "text/plain", "0123456789a")
            .await
            .expect_error(413, "MANIFEST_INVALID");
        let request = http::Request::put("/v2/a/manifests/x");
        let request = request
            .body(wharf_registry::Body::full("0123456789a"))
            .expect("a request");
        registry.send(request).await.expect_error(413, "MANIFEST_INVALID");
        let request = http::Request::put("/v2/a/manifests/x").header("content-length", "9");
        let request = request
            .body(wharf_registry::Body::full("01234567"))
            .expect("a request");
        registry.send(request).await.expect_error(400, "SIZE_INVALID");
    }
}

#[tokio::test]
async fn tags_come_with_the_query() {
    for registry in Harness::each().await {
        let digest = wharf_v1::sha256("foo");
        let path = format!("/v2/a/manifests/{digest}?tag=1&tag=1.2&tag=latest");
        let reply = registry.put(&path, "text/plain", "foo").await;
        let tags: Vec<_> = reply.expect(201).headers.get_all("oci-tag").iter().collect();
        assert_eq!(tags, ["1", "1.2", "latest"]);
        registry
            .get("/v2/a/manifests/1.2")
            .await
            .expect(200)
            .expect_header("docker-content-digest", digest.as_ref());
        let ten: Vec<String> = (0..10).map(|at| format!("tag=v{at}")).collect();
        let path = format!("/v2/a/manifests/{digest}?{}", ten.join("&"));
        let reply = registry.put(&path, "text/plain", "foo").await;
        assert_eq!(reply.expect(201).headers.get_all("oci-tag").iter().count(), 10);
        for at in 0..10 {
            registry
                .head(&format!("/v2/a/manifests/v{at}"))
                .await
                .expect(200)
                .expect_header("docker-content-digest", digest.as_ref());
        }
        let many = format!("/v2/b/manifests/{digest}?{}", "tag=x&".repeat(101));
        registry
            .put(&many, "text/plain", "foo")
            .await
            .expect_error(414, "UNSUPPORTED");
        let bad = format!("/v2/b/manifests/{digest}?tag=1&tag=..");
        registry
            .put(&bad, "text/plain", "foo")
            .await
            .expect_error(400, "MANIFEST_INVALID");
        registry
            .get(&format!("/v2/b/manifests/{digest}"))
            .await
            .expect(404);
    }
}

#[tokio::test]
async fn deleting_a_digest_deletes_its_tags_and_deleting_a_tag_only_that() {
    for registry in Harness::each().await {
        let (digest, manifest) = registry.image("a", "one").await;
        registry
            .put("/v2/a/manifests/two", MANIFEST, manifest)
            .await
            .expect(201);
        registry.image("a", "other").await;
        registry.delete("/v2/a/manifests/one").await.expect(202);
        registry
            .get("/v2/a/manifests/one")
            .await
            .expect_error(404, "MANIFEST_UNKNOWN");
        registry.get("/v2/a/manifests/two").await.expect(200);
        registry
            .delete(&format!("/v2/a/manifests/{digest}"))
            .await
            .expect(202);
        registry
            .get("/v2/a/manifests/two")
            .await
            .expect_error(404, "MANIFEST_UNKNOWN");
        registry
            .delete(&format!("/v2/a/manifests/{digest}"))
            .await
            .expect_error(404, "MANIFEST_UNKNOWN");
        assert_eq!(
            registry.get("/v2/a/tags/list").await.expect(200).json()["tags"],
            serde_json::json!(["other"])
        );
    }
}

#[tokio::test]
async fn deletion_and_writing_can_be_off() {
    use wharf_registry::{Access, Deletion, Options};
    for registry in Harness::each_with(Options::default().with_deletion(Deletion::Refused)).await {
        let (digest, _) = registry.image("a", "x").await;
        for path in [
            "manifests/x".into(),
            format!("manifests/{digest}"),
            format!("blobs/{digest}"),
        ] {
            registry
                .delete(&format!("/v2/a/{path}"))
                .await
                .expect_error(405, "UNSUPPORTED");
        }
        let location = registry.upload("a").await;
        registry.delete(&location).await.expect(204);
    }
    for registry in Harness::each_with(Options::default().with_access(Access::ReadOnly)).await {
        registry
            .ask("POST", "/v2/a/blobs/uploads/", &[], "")
            .await
            .expect_error(405, "UNSUPPORTED");
        registry
            .put("/v2/a/manifests/x", MANIFEST, "foo")
            .await
            .expect_error(405, "UNSUPPORTED");
        registry
            .delete("/v2/a/manifests/x")
            .await
            .expect_error(405, "UNSUPPORTED");
        registry.get("/v2/").await.expect(200);
    }
}

/// A manifest and what refers to it may come in either order.
#[tokio::test]
async fn a_subject_may_come_after_what_refers_to_it() {
    for registry in Harness::each().await {
        let config = registry.blob("a", "{}").await;
        let subject = manifest_of(&config, &config);
        let subject_digest = wharf_v1::sha256(&subject);
        let referrer = subject.replacen(
            "{",
            &format!(r#"{{"subject":{{"mediaType":"{MANIFEST}","digest":"{subject_digest}","size":1}},"#),
            1,
        );
        registry
            .put("/v2/a/manifests/referrer", MANIFEST, referrer)
            .await
            .expect(201)
            .expect_header("oci-subject", subject_digest.as_ref());
        registry
            .put("/v2/a/manifests/subject", MANIFEST, subject)
            .await
            .expect(201);
        let listed = registry.get(&format!("/v2/a/referrers/{subject_digest}")).await;
        assert_eq!(listed.json()["manifests"].as_array().map(Vec::len), Some(1));
    }
}
