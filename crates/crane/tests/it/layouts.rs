//! Commands of the Go tool that take layouts and archives where it takes registries and paths.

use insta::assert_snapshot;

use crate::fixture::{image, index, other_image};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    registry.put_image("app:v1", &image());
    registry.put_image("app:v2", &other_image());
    registry.put_index("multi:v1", &index());
    (registry, sandbox)
}

#[track_caller]
fn check_digest(sandbox: &Sandbox, place: &str, want: Option<String>) {
    assert_eq!(
        Some(sandbox.stdout(&["digest", place]).trim_end().to_owned()),
        want,
        "{place}"
    );
}

#[test]
fn pull_to_places() {
    let (registry, sandbox) = start();
    let (app, multi) = (registry.at("app:v1"), registry.at("multi:v1"));
    sandbox.stdout(&["pull", &app, "oci:dir:one"]);
    check_digest(&sandbox, "oci:dir:one", registry.digest("app:v1"));
    sandbox.stdout(&["pull", &multi, "oci-archive:file.tar:many"]);
    check_digest(&sandbox, "oci-archive:file.tar:many", registry.digest("multi:v1"));
    sandbox.stdout(&["pull", "--platform=linux/arm64", &multi, "oci-archive:arm.tar"]);
    let arm = sandbox.stdout(&["digest", "--platform=linux/arm64", &multi]);
    assert_eq!(sandbox.stdout(&["digest", "oci-archive:arm.tar"]), arm);
    sandbox.stdout(&["pull", &app, "docker-archive:one.tar:my/app:v7"]);
    assert_eq!(sandbox.stdout(&["ls", "docker-archive:one.tar"]), "my/app:v7\n");

    // Several go where several have a place.
    sandbox.stdout(&["pull", &app, &multi, "oci:both"]);
    assert_eq!(sandbox.stdout(&["index", "list", "./both"]).lines().count(), 3);
    sandbox.stdout(&["pull", &app, &registry.at("app:v2"), "docker-archive:both.tar"]);
    assert_snapshot!(sandbox.crane(&["ls", "docker-archive:both.tar"]), @"
    exit 0
    -- stdout
    [host]/app:v1
    [host]/app:v2
    ");
    assert_snapshot!(sandbox.crane(&["pull", &app, &multi, "oci:dir:x"]), @"
    exit 1
    -- stderr
    Error: oci:dir:x is a place for one image
    ");
    assert_snapshot!(sandbox.crane(&["pull", "--format=oci", &app, "oci:dir:x"]), @"
    exit 1
    -- stderr
    Error: oci:dir:x says how to store, --format is too much
    ");

    // A path that is there is a path.
    std::fs::write(sandbox.path("oci:odd"), "").expect("writable");
    sandbox.stdout(&["pull", &app, "oci:odd"]);
    assert!(
        sandbox
            .stdout(&["digest", "--tarball=oci:odd"])
            .starts_with("sha256:")
    );
}

#[test]
fn pull_from_places() {
    let (registry, sandbox) = start();
    sandbox.stdout(&["copy", &registry.at("multi:v1"), "oci:dir:team/multi:v1"]);
    sandbox.stdout(&["copy", &registry.at("app:v1"), "oci:dir:odd name"]);
    sandbox.stdout(&["pull", "oci:dir:team/multi:v1", "oci:dir:odd name", "file.tar"]);
    assert_eq!(
        sandbox.stdout(&["ls", "docker-archive:file.tar"]),
        "team/multi:v1\n"
    );
    sandbox.stdout(&[
        "pull",
        "--format=oci",
        "--annotate-ref",
        "oci:dir:odd name",
        "other",
    ]);
    check_digest(&sandbox, "oci:other:odd name", registry.digest("app:v1"));
    assert_snapshot!(sandbox.crane(&["pull", "oci:dir:nope", "x.tar"]), @"
    exit 1
    -- stderr
    Error: no single entry of the layout is oci:dir:nope; there are 2: team/multi:v1, odd name
    ");
}

#[test]
fn push_between_places() {
    let (registry, sandbox) = start();
    sandbox.stdout(&[
        "pull",
        &registry.at("app:v1"),
        &registry.at("app:v2"),
        "docker-archive:both.tar",
    ]);
    // Of several images in an archive one is chosen.
    let one = format!("docker-archive:both.tar:{}", registry.at("app:v2"));
    let pushed = sandbox.stdout(&["push", &one, &registry.at("pushed:v2")]);
    assert_eq!(
        sandbox.stdout(&["config", pushed.trim_end()]),
        sandbox.stdout(&["config", &registry.at("app:v2")])
    );
    sandbox.stdout(&["copy", &registry.at("multi:v1"), "oci-archive:file.tar:v1"]);
    assert_snapshot!(sandbox.crane(&["push", "-q", "oci-archive:file.tar:v1", &registry.at("multi:pushed")]), @"
    exit 0
    -- stdout
    [host]/multi@sha256:957814b446d1d4333e609a9fe53cc4d53347cbcb314e711d854b922c5f25f336
    ");
    assert_eq!(registry.digest("multi:pushed"), registry.digest("multi:v1"));
    sandbox.stdout(&["pull", "--format=oci", &registry.at("app:v1"), "dir"]);
    assert_snapshot!(sandbox.crane(&["push", "dir", "oci-archive:again.tar:v1"]), @"
    exit 0
    -- stdout
    oci-archive:again.tar@sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c
    ");
    check_digest(&sandbox, "oci-archive:again.tar:v1", registry.digest("app:v1"));
    assert_snapshot!(sandbox.crane(&["push", "--index", "oci:dir", &registry.at("x")]), @"
    exit 1
    -- stderr
    Error: --index is for a directory that is named by its path
    ");
}

#[test]
fn names_of_a_layout() {
    let (registry, sandbox) = start();
    sandbox.stdout(&["copy", &registry.at("app:v1"), "oci:dir:v1"]);
    sandbox.stdout(&["copy", &registry.at("app:v2"), "oci:dir:v2"]);
    assert_snapshot!(sandbox.crane(&["tag", "oci:dir:v1", "latest"]), @"exit 0");
    assert_snapshot!(sandbox.crane(&["ls", "oci:dir"]), @"
    exit 0
    -- stdout
    v1
    v2
    latest
    ");
    assert_snapshot!(sandbox.crane(&["ls", "--full-ref", "oci:dir"]), @"
    exit 0
    -- stdout
    oci:dir:v1
    oci:dir:v2
    oci:dir:latest
    ");
    assert_snapshot!(sandbox.crane(&["ls", "--json", "oci:dir"]), @r#"
    exit 0
    -- stdout
    {
      "name": "oci:dir",
      "tags": [
        "v1",
        "v2",
        "latest"
      ]
    }
    "#);
    sandbox.stdout(&["tag", "oci:dir:v2", "latest"]);
    check_digest(&sandbox, "oci:dir:latest", registry.digest("app:v2"));
    check_digest(&sandbox, "oci:dir:v1", registry.digest("app:v1"));

    assert_snapshot!(sandbox.crane(&["delete", "oci:dir:latest"]), @"exit 0");
    assert_eq!(sandbox.stdout(&["ls", "oci:dir"]), "v1\nv2\n");
    assert_snapshot!(sandbox.crane(&["delete", "oci:dir:latest"]), @"
    exit 1
    -- stderr
    Error: no single entry of the layout is oci:dir:latest; there are 2: v1, v2
    ");
    assert_snapshot!(sandbox.crane(&["delete", "oci:dir"]), @"
    exit 1
    -- stderr
    Error: no single entry of the layout is oci:dir; there are 2: v1, v2
    ");
    let digest = registry.digest("app:v1").expect("there");
    sandbox.stdout(&["delete", &format!("oci:dir@{digest}")]);
    assert_eq!(sandbox.stdout(&["ls", "oci:dir"]), "v2\n");
    sandbox.stdout(&["copy", "oci:dir:v2", "oci-archive:file:v2"]);
    assert_snapshot!(sandbox.crane(&["delete", "oci-archive:file:v2"]), @"
    exit 1
    -- stderr
    Error: oci-archive:file:v2 cannot be added to: use a layout in a directory (oci:DIRECTORY)
    ");
    assert_snapshot!(sandbox.crane(&["tag", "oci-archive:file:v2", "v3"]), @"
    exit 1
    -- stderr
    Error: oci-archive:file:v2 cannot be added to: use a layout in a directory (oci:DIRECTORY)
    ");
    assert_eq!(sandbox.stdout(&["ls", "oci-archive:file"]), "v2\n");
}
