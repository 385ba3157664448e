//! Layers that are kept from one pull to the next.

use insta::assert_snapshot;

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::{Sandbox, read};

/// The first layer of the image.
const LAYER: &str = "sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf";

#[test]
fn layers_are_downloaded_once() {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new();
    registry.put_image("app:v1", &image());
    let app = registry.at("app:v1");
    // Both layers are asked for at once.
    let told = |arguments: &[&str], what: &str| {
        let shown = sandbox.crane(arguments);
        assert!(shown.starts_with("exit 0\n-- stderr\n"), "{shown}");
        assert_eq!(shown.matches(what).count(), 2, "{shown}");
    };
    told(
        &["pull", "-c", "kept/here", &app, "a.tar"],
        " not found (compressed) in cache, getting\n",
    );
    assert_eq!(registry.requests().len(), 4);
    told(
        &["pull", "--cache_path=kept/here", &app, "b.tar"],
        " found (compressed) in cache\n",
    );
    assert_snapshot!(registry.requests().join("\n"), @"GET /v2/app/manifests/v1 200");
    assert_eq!(read(&sandbox.path("a.tar")), read(&sandbox.path("b.tar")));
    let kept = sandbox.path("kept/here").join(LAYER);
    assert_eq!(wharf::v1::sha256(read(&kept)).to_string(), LAYER);

    // As a layout, and as archive of the old format, in which layers are not compressed.
    sandbox.stdout(&["pull", "-c", "kept/here", "--format=oci", &app, "layout"]);
    assert_eq!(
        sandbox.stdout(&["validate", "--remote=oci:layout"]),
        "PASS: oci:layout\n"
    );
    sandbox.stdout(&["pull", "--format=legacy", &app, "old.tar"]);
    registry.requests();
    sandbox.stdout(&["pull", "-c", "kept/here", "--format=legacy", &app, "new.tar"]);
    assert_eq!(registry.requests().len(), 1);
    assert_eq!(read(&sandbox.path("old.tar")), read(&sandbox.path("new.tar")));
}

#[test]
fn what_is_damaged_is_downloaded_again() {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new();
    registry.put_image("app:v1", &image());
    let app = registry.at("app:v1");
    sandbox.stdout(&["pull", "--format=legacy", "-c", "kept", &app, "a.tar"]);
    let kept = sandbox.path("kept").join(LAYER);
    let whole = read(&kept);
    let mut other = whole.clone();
    other[700] ^= 1;
    for damaged in [&whole[..100], &other, b""] {
        std::fs::write(&kept, damaged).expect("writable");
        let shown = sandbox.crane(&["pull", "--format=legacy", "-c", "kept", &app, "b.tar"]);
        assert!(
            shown.contains(&format!("Layer {LAYER} is damaged in cache, getting")),
            "{shown}"
        );
        assert_eq!(read(&sandbox.path("a.tar")), read(&sandbox.path("b.tar")));
        assert_eq!(read(&kept), whole);
    }
}

#[test]
fn a_cache_that_cannot_be_is_an_error() {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new();
    registry.put_image("app:v1", &image());
    std::fs::write(sandbox.path("file"), "").expect("writable");
    assert_snapshot!(sandbox.crane(&["pull", "-c", "file", &registry.at("app:v1"), "a.tar"]), @"
    exit 1
    -- stderr
    Error: cannot create file: File exists (os error 17)
    ");
    assert_eq!(sandbox.list(), ["file"]);
}
