//! Older registries.

use wharf_registry::Registry;
use wharf_registry::hook::{Feature, Profile};

use crate::harness::{Harness, MANIFEST};

fn without(feature: Feature) -> Harness {
    Harness::new(
        Registry::builder()
            .profile(Profile::full().without(feature))
            .build(),
    )
}

#[tokio::test]
async fn without_chunks_and_upload_status_and_cancel() {
    for (feature, method) in [
        (Feature::ChunkedUpload, "PATCH"),
        (Feature::UploadStatus, "GET"),
        (Feature::UploadCancel, "DELETE"),
    ] {
        let registry = without(feature);
        let location = registry.upload("a").await;
        registry
            .ask(method, &location, &[], "")
            .await
            .expect_error(405, "UNSUPPORTED");
    }
}

#[tokio::test]
async fn without_monolithic_post_and_mount_an_upload_is_begun() {
    let registry = without(Feature::MonolithicPost);
    let digest = wharf_v1::sha256("foo");
    let reply = registry
        .ask(
            "POST",
            &format!("/v2/a/blobs/uploads/?digest={digest}"),
            &[],
            "foo",
        )
        .await;
    let location = reply.expect(202).header("location").to_owned();
    registry
        .ask("PUT", &format!("{location}?digest={digest}"), &[], "foo")
        .await
        .expect(201);

    let registry = without(Feature::Mount);
    let digest = registry.blob("from", "foo").await;
    let mount = format!("/v2/to/blobs/uploads/?mount={digest}&from=from");
    let reply = registry.ask("POST", &mount, &[], "").await;
    let location = reply.expect(202).header("location").to_owned();
    registry
        .ask("PUT", &format!("{location}?digest={digest}"), &[], "foo")
        .await
        .expect(201);
}

#[tokio::test]
async fn without_headers() {
    let registry = without(Feature::DigestHeader);
    registry.image("a", "x").await;
    for reply in [
        registry.get("/v2/a/manifests/x").await,
        registry.head("/v2/a/manifests/x").await,
    ] {
        assert!(!reply.expect(200).headers.contains_key("docker-content-digest"));
    }
    let registry = without(Feature::ConditionalRequests);
    registry.image("a", "x").await;
    let reply = registry
        .ask("GET", "/v2/a/manifests/x", &[("if-none-match", "*")], "")
        .await;
    assert!(!reply.expect(200).headers.contains_key("etag"));
    let registry = without(Feature::Ranges);
    let digest = registry.blob("a", "foo").await;
    let reply = registry
        .ask(
            "GET",
            &format!("/v2/a/blobs/{digest}"),
            &[("range", "bytes=1-")],
            "",
        )
        .await;
    assert!(
        !reply
            .expect(200)
            .expect_body("foo")
            .headers
            .contains_key("accept-ranges")
    );
    let registry = without(Feature::PageLinks);
    registry.image("a", "x").await;
    registry.image("a", "y").await;
    assert!(
        !registry
            .get("/v2/a/tags/list?n=1")
            .await
            .expect(200)
            .headers
            .contains_key("link")
    );
}

#[tokio::test]
async fn without_head_and_deletion() {
    let registry = without(Feature::HeadManifests);
    let (digest, _) = registry.image("a", "x").await;
    registry
        .head(&format!("/v2/a/manifests/{digest}"))
        .await
        .expect_error(405, "UNSUPPORTED");
    let registry = without(Feature::HeadBlobs);
    let digest = registry.blob("a", "foo").await;
    registry
        .head(&format!("/v2/a/blobs/{digest}"))
        .await
        .expect_error(405, "UNSUPPORTED");
    let registry = without(Feature::Deletion);
    let digest = registry.blob("a", "foo").await;
    registry
        .delete(&format!("/v2/a/blobs/{digest}"))
        .await
        .expect_error(405, "UNSUPPORTED");
}

#[tokio::test]
async fn without_referrers_their_filter_and_tag_parameters() {
    let subject = wharf_v1::sha256("subject");
    let manifest = format!(
        r#"{{"mediaType":"{MANIFEST}","layers":[],"artifactType":"a/b","subject":{{"digest":"{subject}"}}}}"#
    );
    let registry = without(Feature::Referrers);
    let reply = registry
        .put("/v2/a/manifests/x", MANIFEST, manifest.clone())
        .await;
    assert!(!reply.expect(201).headers.contains_key("oci-subject"));
    registry
        .get(&format!("/v2/a/referrers/{subject}"))
        .await
        .expect_error(404, "UNSUPPORTED");

    let registry = without(Feature::ReferrersFilter);
    registry
        .put("/v2/a/manifests/x", MANIFEST, manifest.clone())
        .await
        .expect(201);
    let reply = registry
        .get(&format!("/v2/a/referrers/{subject}?artifactType=c/d"))
        .await;
    assert!(!reply.expect(200).headers.contains_key("oci-filters-applied"));
    assert_eq!(reply.json()["manifests"].as_array().expect("a list").len(), 1);

    let registry = without(Feature::TagParameter);
    let path = format!("/v2/a/manifests/{}?tag=x", wharf_v1::sha256(&manifest));
    let reply = registry.put(&path, MANIFEST, manifest).await;
    assert!(!reply.expect(201).headers.contains_key("oci-tag"));
    registry.get("/v2/a/manifests/x").await.expect(404);
}

#[test]
fn profiles_say_what_they_have() {
    assert!(Profile::full().has(Feature::Mount));
    assert!(!Profile::go_containerregistry().has(Feature::Mount));
    assert!(Profile::go_containerregistry().has(Feature::Ranges));
}
