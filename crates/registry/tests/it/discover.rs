//! Listing tags, repositories and referrers.

use crate::harness::{Harness, INDEX, MANIFEST};

const ABSENT: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

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

/// The manifest of an artifact with a subject, whose config is the repository's blob `{}`.
fn artifact_of(config: &str, subject: &str, annotations: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.acme.config","digest":"{config}","size":2}},"layers":[],"subject":{{"mediaType":"{MANIFEST}","digest":"{subject}","size":1}},"annotations":{{{annotations}}}}}"#
    )
}

/// A registry that has the API from its first day knows all subjects from the manifests themselves: what a client put
/// into the tag that stands in for the API is listed once, and only if it has the subject.
#[tokio::test]
async fn what_an_older_client_lists_in_a_tag_is_listed() {
    for registry in Harness::each().await {
        let config = registry.blob("a", "{}").await;
        let (subject, _) = registry.image("a", "subject").await;
        let (other, _) = registry.image("a", "other").await;
        let artifact = artifact_of(config.as_ref(), subject.as_ref(), "");
        let digest = wharf_v1::sha256(&artifact);
        registry
            .put(&format!("/v2/a/manifests/{digest}"), MANIFEST, artifact)
            .await
            .expect(201);
        let list = format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{MANIFEST}","digest":"{digest}","size":1}},{{"mediaType":"{MANIFEST}","digest":"{other}","size":1}}]}}"#
        );
        let tag = subject.to_string().replace(':', "-");
        registry
            .put(&format!("/v2/a/manifests/{tag}"), INDEX, list.clone())
            .await
            .expect(201);
        let listed = registry.get(&format!("/v2/a/referrers/{subject}")).await.json();
        let listed = listed["manifests"].as_array().expect("a list");
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0]["digest"], digest.as_ref());
        registry
            .get(&format!("/v2/a/manifests/{tag}"))
            .await
            .expect(200)
            .expect_body(list);
    }
}

/// No page is longer than a manifest may be, and all pages together have everything, filtered or not.
#[tokio::test]
async fn long_lists_of_referrers_come_in_pages() {
    for registry in Harness::each().await {
        let config = registry.blob("a", "{}").await;
        let long = "x".repeat(1 << 20);
        for at in 0..6 {
            let artifact = artifact_of(
                config.as_ref(),
                ABSENT,
                &format!(r#""at":"{at}","long":"{long}""#),
            );
            let digest = wharf_v1::sha256(&artifact);
            registry
                .put(&format!("/v2/a/manifests/{digest}"), MANIFEST, artifact)
                .await
                .expect(201);
        }
        for query in ["", "?artifactType=application/vnd.acme.config"] {
            let mut next = Some(format!("/v2/a/referrers/{ABSENT}{query}"));
            let mut seen = std::collections::BTreeSet::new();
            let mut pages = 0;
            while let Some(path) = next {
                let page = registry.get(&path).await;
                page.expect(200).expect_header("content-type", INDEX);
                assert!(page.body.len() <= 4 << 20, "{} bytes", page.body.len());
                assert_eq!(
                    page.headers.contains_key("oci-filters-applied"),
                    !query.is_empty()
                );
                let entries = page.json()["manifests"].clone();
                for entry in entries.as_array().expect("a list") {
                    assert!(seen.insert(entry["annotations"]["at"].to_string()));
                }
                next = page.headers.get("link").map(|link| {
                    let link = link.to_str().expect("text");
                    assert!(link.ends_with("; rel=\"next\""), "{link}");
                    link.trim_start_matches('<')
                        .split('>')
                        .next()
                        .expect("a link")
                        .to_owned()
                });
                pages += 1;
            }
            assert_eq!((seen.len(), pages), (6, 2));
        }
    }
}

#[tokio::test]
async fn lists_can_be_asked_for_by_head() {
    for registry in Harness::each().await {
        let (digest, _) = registry.image("a", "x").await;
        for path in [
            "/v2/",
            "/v2/_catalog",
            "/v2/a/tags/list",
            &format!("/v2/a/referrers/{digest}"),
        ] {
            let (get, head) = (registry.get(path).await, registry.head(path).await);
            get.expect(200);
            head.expect(200).expect_body("");
            assert_eq!(get.headers, head.headers, "{path}");
        }
        for path in [
            "/v2/nowhere/tags/list",
            "/v2/a/referrers/sha256:asd",
            "/v2/a/tags/list?n=x",
        ] {
            let (get, head) = (registry.get(path).await, registry.head(path).await);
            head.expect(get.status.as_u16()).expect_body("");
            assert!(get.status.is_client_error(), "{path}");
        }
    }
}

/// A proxy may be told the registry that a client means; this one is none, and says so by not answering to it.
#[tokio::test]
async fn the_namespace_of_a_proxy_is_ignored() {
    for registry in Harness::each().await {
        let (digest, manifest) = registry.image("a", "x").await;
        for path in ["manifests/x", "tags/list", &format!("referrers/{digest}")] {
            let plain = registry.get(&format!("/v2/a/{path}")).await;
            let named = registry.get(&format!("/v2/a/{path}?ns=docker.io")).await;
            named.expect(200).expect_body(&plain.body);
            assert!(!named.headers.contains_key("oci-namespace"));
        }
        registry
            .get("/v2/a/manifests/x?ns=docker.io")
            .await
            .expect_body(&manifest);
    }
}
