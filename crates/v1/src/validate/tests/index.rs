//! Indexes whose children are not what they are said to be.

use oci_spec::image::Descriptor;
use serde_json::{Value, json};

use super::*;
use crate::media_type::DOCKER_FOREIGN_LAYER;

#[tokio::test]
async fn lies_about_children() {
    async fn check(change: impl FnOnce(&mut Value), want: &[&str]) {
        let mut world = World::default();
        let image = world.image(&[], &[], unchanged, unchanged);
        let mut listed: Value = serde_json::from_str(&image.to_canonical_json()).expect("JSON");
        change(&mut listed);
        let index = world.index(&json!([listed]));
        let place = format!("manifests[0] ({})", shorten(image.digest().as_ref()));
        let want: Vec<_> = want.iter().map(|want| format!("{place}{want}")).collect();
        let want: Vec<_> = want.iter().map(String::as_str).collect();
        world.check_index(&index, &want).await;
    }
    check(|_| (), &[]).await;
    let platform = |text: &str| {
        let spec: crate::PlatformSpec = text.parse().expect(text);
        let mut platform = json!({ "os": spec.os(), "architecture": spec.architecture() });
        platform["variant"] = spec.variant().into();
        platform["os.version"] = spec.os_version().into();
        platform
    };
    check(|listed| listed["platform"] = platform("linux/amd64"), &[]).await;
    check(|listed| listed["platform"] = platform("linux/x86_64/v1"), &[]).await;
    check(
        |listed| listed["platform"] = platform("linux/amd64/v3"),
        &[r#": platform: want variant "v3", got """#],
    )
    .await;
    check(
        |listed| listed["platform"] = platform("windows/arm64:10"),
        &[
            r#": platform: want os "windows", got "linux""#,
            r#": platform: want architecture "arm64", got "amd64""#,
            r#": platform: want os.version "10", got """#,
        ],
    )
    .await;
    check(
        |listed| listed["size"] = 7.into(),
        &[", manifest: size: want 7, got 247"],
    )
    .await;
}

/// What an index says of an image's platform is held against the config.
#[tokio::test]
async fn lies_about_platforms() {
    async fn check(config: Value, platform: Value, want: &[&str]) {
        let mut world = World::default();
        let change = |value: &mut Value| {
            let fields = value.as_object_mut().expect("an object");
            for (key, value) in config.as_object().expect("an object") {
                if value.is_null() {
                    fields.remove(key);
                } else {
                    fields.insert(key.clone(), value.clone());
                }
            }
        };
        let image = world.image(&[], &[], change, unchanged);
        let mut listed: Value = serde_json::from_str(&image.to_canonical_json()).expect("JSON");
        listed["platform"] = platform;
        let index = world.index(&json!([listed]));
        let place = format!("manifests[0] ({}): platform: ", shorten(image.digest().as_ref()));
        let want: Vec<_> = want.iter().map(|want| format!("{place}{want}")).collect();
        let want: Vec<_> = want.iter().map(String::as_str).collect();
        world.check_index(&index, &want).await;
    }
    let linux = || json!({ "os": "linux", "architecture": "amd64" });
    check(json!({}), linux(), &[]).await;
    check(
        json!({ "os": null, "architecture": null }),
        linux(),
        &["want linux/amd64, got a config that states none"],
    )
    .await;
    check(
        json!({ "architecture": "arm", "variant": "v7" }),
        json!({ "os": "linux", "architecture": "arm", "variant": "v6" }),
        &[r#"want variant "v6", got "v7""#],
    )
    .await;
    check(
        json!({ "os.version": "10.0.1" }),
        json!({ "os": "linux", "architecture": "amd64", "os.version": "10.0.2" }),
        &[r#"want os.version "10.0.2", got "10.0.1""#],
    )
    .await;
    check(
        json!({ "os.features": ["a", "b"] }),
        json!({ "os": "linux", "architecture": "amd64", "os.features": ["b", "a"] }),
        &[],
    )
    .await;
    check(
        json!({ "os.features": ["a"] }),
        json!({ "os": "linux", "architecture": "amd64", "os.features": ["c"] }),
        &[r#"want os.features "c", got "a""#],
    )
    .await;
}

/// An index that lies about a child of a child is not valid.
#[tokio::test]
async fn lies_about_what_a_nested_child_is() {
    let mut world = World::default();
    let image = world.image(&[], &[], unchanged, unchanged);
    let mut listed: Value = serde_json::from_str(&image.to_canonical_json()).expect("JSON");
    listed["mediaType"] = crate::media_type::DOCKER_MANIFEST.into();
    let nested = world.index(&json!([listed]));
    let listed: Value = serde_json::from_str(&nested.to_canonical_json()).expect("JSON");
    let index = world.index(&json!([listed]));
    let want = format!(
        "manifests[0] ({}), manifests[0] ({}), manifest: media type: \
         want application/vnd.oci.image.manifest.v1+json, \
         got application/vnd.docker.distribution.manifest.v2+json",
        short_of(&nested),
        short_of(&image)
    );
    world.check_index(&index, &[&want]).await;
}

#[tokio::test]
async fn children_that_are_not_there_or_damaged() {
    async fn check(media_type: &str, content: Option<&str>, want: &[&str]) {
        let mut world = World::default();
        let listed = Descriptor::new(media_type.into(), 4, sha256("blob"));
        if let Some(content) = content {
            world.store.insert(listed.digest().clone(), content.to_owned());
        }
        let value: Value = serde_json::from_str(&listed.to_canonical_json()).expect("JSON");
        let index = world.index(&json!([value]));
        let digest = short(b"blob");
        let want: Vec<_> = want.iter().map(|want| want.replace("BLOB", &digest)).collect();
        let want: Vec<_> = want.iter().map(String::as_str).collect();
        world.check_index(&index, &want).await;
    }
    check("text/plain", Some("blob"), &[]).await;
    let other = format!("manifests[0] (BLOB): digest: want BLOB, got {}", short(b"bulb"));
    check("text/plain", Some("bulb"), &[&other]).await;
    check(
        "text/plain",
        Some("blo"),
        &["manifests[0] (BLOB): size: want 4, got 3"],
    )
    .await;
    check(
        "text/plain",
        None,
        &["manifests[0] (BLOB): existence: BLOB not found"],
    )
    .await;
    check(
        DOCKER_FOREIGN_LAYER,
        None,
        &["warning: manifests[0] (BLOB): existence: BLOB not found"],
    )
    .await;
    for manifest in [crate::media_type::OCI_MANIFEST, crate::media_type::OCI_INDEX] {
        check(
            manifest,
            None,
            &["manifests[0] (BLOB), manifest: existence: BLOB not found"],
        )
        .await;
    }
}
