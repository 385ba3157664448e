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

#[tokio::test]
async fn tags_are_listed_in_pages() {
    for registry in Harness::each().await {
        for tag in ["b", "a", "C", "10", "9"] {
            registry
                .put(&format!("/v2/a/manifests/{tag}"), "text/plain", "foo")
                .await
                .expect(201);
        }
        let list = async |query: &str| {
            let reply = registry.get(&format!("/v2/a/tags/list{query}")).await;
            reply
                .expect(200)
                .expect_header("content-type", "application/json");
            let json = reply.json();
            assert_eq!(json["name"], "a");
            let tags: Vec<String> = serde_json::from_value(json["tags"].clone()).expect("a list");
            let next = reply
                .headers
                .get("link")
                .map(|link| link.to_str().expect("text").to_owned());
            (tags.join(" "), next)
        };
        assert_eq!(list("").await, ("10 9 C a b".into(), None));
        assert_eq!(list("?n=99999999999999999999").await, ("10 9 C a b".into(), None));
        assert_eq!(list("?n=5").await, ("10 9 C a b".into(), None));
        assert_eq!(list("?n=0").await, (String::new(), None));
        let next = |last: &str| Some(format!("</v2/a/tags/list?n=2&last={last}>; rel=\"next\""));
        assert_eq!(list("?n=2").await, ("10 9".into(), next("9")));
        assert_eq!(list("?n=2&last=9").await, ("C a".into(), next("a")));
        assert_eq!(list("?n=2&last=a").await, ("b".into(), None));
        assert_eq!(list("?last=B").await, ("C a b".into(), None));
        assert_eq!(list("?last=zzz").await, (String::new(), None));
        for n in ["-1", "abc", "", "1.5", "%00"] {
            registry
                .get(&format!("/v2/a/tags/list?n={n}"))
                .await
                .expect_error(400, "UNSUPPORTED");
        }
        registry
            .get("/v2/b/tags/list")
            .await
            .expect_error(404, "NAME_UNKNOWN");
    }
}

#[tokio::test]
async fn the_catalog_is_listed_in_pages() {
    for registry in Harness::each().await {
        let list = async |query: &str| {
            let reply = registry.get(&format!("/v2/_catalog{query}")).await;
            let names: Vec<String> =
                serde_json::from_value(reply.expect(200).json()["repositories"].clone()).expect("a list");
            let next = reply
                .headers
                .get("link")
                .map(|link| link.to_str().expect("text").to_owned());
            (names.join(" "), next)
        };
        assert_eq!(list("").await, (String::new(), None));
        for name in ["b", "a/b/c", "a", "a-b", "a/b"] {
            registry
                .put(&format!("/v2/{name}/manifests/x"), "text/plain", "foo")
                .await
                .expect(201);
        }
        registry.blob("only/blobs", "foo").await;
        assert_eq!(list("").await, ("a a-b a/b a/b/c b".into(), None));
        let next = |last: &str| Some(format!("</v2/_catalog?n=2&last={last}>; rel=\"next\""));
        assert_eq!(list("?n=2").await, ("a a-b".into(), next("a-b")));
        assert_eq!(
            list("?n=2&last=a-b").await,
            ("a/b a/b/c".into(), next("a%2Fb%2Fc"))
        );
        assert_eq!(list("?n=2&last=a%2Fb%2Fc").await, ("b".into(), None));
        registry.delete("/v2/b/manifests/x").await.expect(202);
        assert_eq!(list("?last=a/b/c").await, ("b".into(), None));
        registry
            .delete(&format!("/v2/b/manifests/{}", wharf_v1::sha256("foo")))
            .await
            .expect(202);
        assert_eq!(list("?last=a/b/c").await, (String::new(), None));
        assert_eq!(
            registry.get("/v2/b/tags/list").await.expect(200).json()["tags"],
            serde_json::json!([])
        );
    }
}

#[tokio::test]
async fn referrers_are_listed() {
    for registry in Harness::each().await {
        let config = registry.blob("a", "{}").await;
        let (subject, _) = registry.image("a", "subject").await;
        let artifact = |subject: &str, extra: &str| {
            format!(
                r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}",{extra}"config":{{"mediaType":"application/vnd.acme.config","digest":"{config}","size":2}},"layers":[],"subject":{{"mediaType":"{MANIFEST}","digest":"{subject}","size":1}}}}"#
            )
        };
        let path = format!("/v2/a/referrers/{subject}");
        let list = async |query: &str| registry.get(&format!("{path}{query}")).await;
        list("").await.expect(200).expect_header("content-type", INDEX);
        assert_eq!(list("").await.json()["manifests"], serde_json::json!([]));
        registry
            .get(&format!("/v2/nowhere/referrers/{subject}"))
            .await
            .expect(200);

        let plain = artifact(subject.as_ref(), "");
        let reply = registry
            .put("/v2/a/manifests/plain", MANIFEST, plain.clone())
            .await;
        reply.expect(201).expect_header("oci-subject", subject.as_ref());
        let typed = artifact(
            subject.as_ref(),
            r#""artifactType":"application/vnd.sbom+json","annotations":{"k":"v"},"#,
        );
        let typed_digest = wharf_v1::sha256(&typed);
        registry
            .put(
                &format!("/v2/a/manifests/{typed_digest}"),
                MANIFEST,
                typed.clone(),
            )
            .await
            .expect(201);
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[],"subject":{{"mediaType":"{MANIFEST}","digest":"{subject}","size":1}}}}"#
        );
        registry
            .put("/v2/a/manifests/index", INDEX, index)
            .await
            .expect(201)
            .expect_header("oci-subject", subject.as_ref());
        registry
            .put("/v2/a/manifests/elsewhere", MANIFEST, artifact(ABSENT, ""))
            .await
            .expect(201);

        let all = list("").await.json();
        assert_eq!(all["schemaVersion"], 2);
        assert_eq!(all["mediaType"], INDEX);
        let entries = all["manifests"].as_array().expect("a list");
        assert_eq!(entries.len(), 3);
        assert!(
            entries
                .windows(2)
                .all(|pair| pair[0]["digest"].as_str() < pair[1]["digest"].as_str())
        );
        let of = |digest: &str| {
            entries
                .iter()
                .find(|entry| entry["digest"] == digest)
                .expect("an entry")
        };
        assert_eq!(
            of(wharf_v1::sha256(&plain).as_ref())["artifactType"],
            "application/vnd.acme.config"
        );
        let want = serde_json::json!({"mediaType": MANIFEST, "digest": typed_digest.to_string(), "size": typed.len(),
            "artifactType": "application/vnd.sbom+json", "annotations": {"k": "v"}});
        assert_eq!(*of(typed_digest.as_ref()), want);

        for query in [
            "?artifactType=application/vnd.sbom%2Bjson",
            "?artifactType=application/vnd.sbom+json",
        ] {
            let filtered = list(query).await;
            filtered
                .expect(200)
                .expect_header("oci-filters-applied", "artifactType");
            assert_eq!(filtered.json()["manifests"], serde_json::json!([want]));
        }
        let unfiltered = list("?artifactType=").await;
        assert_eq!(unfiltered.expect(200).json()["manifests"], all["manifests"]);
        assert!(!unfiltered.headers.contains_key("oci-filters-applied"));
        let first = list("?n=2").await;
        let next = first
            .header("link")
            .trim_start_matches('<')
            .split('>')
            .next()
            .expect("a link")
            .to_owned();
        let second = registry.get(&next).await;
        assert_eq!(
            second.expect(200).json()["manifests"],
            serde_json::json!([entries[2]])
        );
        assert!(!second.headers.contains_key("link"));

        registry
            .delete(&format!("/v2/a/manifests/{typed_digest}"))
            .await
            .expect(202);
        assert_eq!(
            list("").await.json()["manifests"]
                .as_array()
                .expect("a list")
                .len(),
            2
        );
        let missing = registry.get(&format!("/v2/a/referrers/{ABSENT}")).await;
        assert_eq!(
            missing.expect(200).json()["manifests"]
                .as_array()
                .expect("a list")
                .len(),
            1
        );
    }
}
