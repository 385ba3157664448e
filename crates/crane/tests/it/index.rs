//! `crane index`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::fixture::{image, index, packed};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    (registry, sandbox)
}

/// An image of a real file in the registry, for a platform.
fn put(registry: &TestRegistry, sandbox: &Sandbox, name: &str, architecture: &str) -> String {
    let root = sandbox.path("files");
    std::fs::create_dir(&root).expect("directory");
    std::fs::write(root.join("file"), architecture).expect("file");
    let image = registry.run(packed(&root, architecture));
    std::fs::remove_dir_all(&root).expect("removed");
    registry.put_image(name, &image)
}

/// The platforms that an index lists.
fn platforms(sandbox: &Sandbox, index: &str) -> Vec<String> {
    let listed = sandbox.stdout(&["index", "list", index]);
    let lines = listed.lines().skip(1);
    lines
        .map(|line| line.split_whitespace().last().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn append_filter_and_list() {
    let (registry, sandbox) = start();
    let at = |name: &str| registry.at(name);
    let amd = put(&registry, &sandbox, "app:amd", "amd64");
    put(&registry, &sandbox, "app:arm", "arm64");
    let by_digest = at(&format!("app@{amd}"));
    let shown = sandbox.stdout(&[
        "index",
        "append",
        "-t",
        &at("multi:v1"),
        "-m",
        &format!("{by_digest},{}", at("app:arm")),
    ]);
    assert_eq!(
        shown,
        format!(
            "{}@{}\n",
            at("multi"),
            registry.digest("multi:v1").expect("pushed")
        )
    );
    // Byte for byte as of Go's crane, however wide media types are.
    let listed = sandbox.stdout(&["index", "list", &at("multi:v1")]);
    let lines: Vec<&str> = listed.lines().collect();
    let header = format!("{:<70} {:<20} Platform", "Digest", "MediaType");
    assert_eq!(lines[0], header);
    assert_eq!(
        lines[1],
        format!("{amd} application/vnd.oci.image.manifest.v1+json linux/amd64")
    );
    assert_eq!(
        platforms(&sandbox, &at("multi:v1")),
        ["linux/amd64", "linux/arm64"]
    );
    assert!(
        sandbox
            .stdout(&["index", "list", &at("multi:v1")])
            .starts_with("Digest ")
    );

    // What is there is not added again; what is new is, of an index what it lists.
    sandbox.stdout(&["index", "append", &at("multi:v1"), &at("app:arm")]);
    assert_eq!(
        platforms(&sandbox, &at("multi:v1")),
        ["linux/amd64", "linux/arm64"]
    );
    registry.put_index("more:v1", &index());
    sandbox.stdout(&[
        "index",
        "append",
        &at("multi:v1"),
        "-m",
        &at("more:v1"),
        "-t",
        &at("multi:v2"),
    ]);
    assert_eq!(platforms(&sandbox, &at("multi:v2")).len(), 5);
    sandbox.stdout(&[
        "index",
        "append",
        &at("multi:v1"),
        "--flatten=false",
        "-m",
        &at("more:v1"),
        "-t",
        &at("multi:v3"),
    ]);
    assert_eq!(
        platforms(&sandbox, &at("multi:v3")),
        ["linux/amd64", "linux/arm64", "-"]
    );

    let filter = [
        "index",
        "filter",
        &at("multi:v2"),
        "--platform=linux/arm64,windows",
        "-t",
        &at("multi:v4"),
    ];
    sandbox.stdout(&filter);
    assert_eq!(
        platforms(&sandbox, &at("multi:v4")),
        ["linux/arm64", "linux/arm64/v8", "windows/amd64:10.0.20348.1"]
    );
    let kept: Value = serde_json::from_str(&sandbox.stdout(&["manifest", &at("more:v1")])).expect("JSON");
    sandbox.stdout(&["index", "filter", &at("more:v1"), "--platform", "linux"]);
    let filtered: Value = serde_json::from_str(&sandbox.stdout(&["manifest", &at("more:v1")])).expect("JSON");
    assert_eq!(filtered["annotations"], kept["annotations"]);
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let (registry, sandbox) = start();
    let before = registry.put_index("multi:v1", &index());
    registry.put_image("app:v1", &image());
    let (multi, app) = (registry.at("multi:v1"), registry.at("app:v1"));
    assert_snapshot!(sandbox.crane(&["index", "filter", &multi, "--platform", "plan9"]), @"
    exit 1
    -- stderr
    Error: no child of the index is for plan9
    ");
    assert_snapshot!(sandbox.crane(&["index", "filter", &multi, "--platform", "all"]), @"
    exit 1
    -- stderr
    Error: --platform is needed, with the platforms to keep
    ");
    assert_snapshot!(sandbox.crane(&["index", "filter", &multi]), @"
    exit 1
    -- stderr
    Error: --platform is needed, with the platforms to keep
    ");
    assert_snapshot!(sandbox.crane(&["index", "filter", &app, "--platform", "linux"]), @r#"
    exit 1
    -- stderr
    Error: expected [host]/app:v1 to be an index, got "application/vnd.oci.image.manifest.v1+json"
    "#);
    assert_snapshot!(sandbox.crane(&["index", "list", &app]), @r#"
    exit 1
    -- stderr
    Error: expected [host]/app:v1 to be an index, got "application/vnd.oci.image.manifest.v1+json"
    "#);
    assert_snapshot!(sandbox.crane(&["index", "append", "-m", &app]), @"
    exit 1
    -- stderr
    Error: at least one of BASE or --tag must be specified
    ");
    assert_snapshot!(sandbox.crane(&["index", "append", &app, "-m", &multi]), @r#"
    exit 1
    -- stderr
    Error: expected [host]/app:v1 to be an index, got "application/vnd.oci.image.manifest.v1+json"
    "#);
    assert_snapshot!(sandbox.crane(&["index", "list", "./nowhere"]), @"
    exit 1
    -- stderr
    Error: loading ./nowhere as OCI layout: open ./nowhere/index.json: No such file or directory (os error 2)
    ");
    assert_snapshot!(sandbox.crane(&["index", "bogus"]), @r#"
    exit 1
    -- stderr
    Error: unknown command "bogus" for "crane index"
    Run 'crane index --help' for usage.
    "#);
    assert_eq!(registry.digest("multi:v1"), Some(before));
}

#[test]
fn empty_indexes_have_a_family() {
    let (registry, sandbox) = start();
    for (arguments, want) in [
        (&[][..], "application/vnd.oci.image.index.v1+json"),
        (
            &["--docker-empty-base"][..],
            "application/vnd.docker.distribution.manifest.list.v2+json",
        ),
    ] {
        let target = registry.at("empty:v1");
        sandbox.stdout(&[&["index", "append", "-t", &target], arguments].concat());
        let manifest: Value = serde_json::from_str(&sandbox.stdout(&["manifest", &target])).expect("JSON");
        assert_eq!(manifest["mediaType"], want);
        assert_eq!(manifest["manifests"], serde_json::json!([]));
    }
}

#[test]
fn a_directory_is_a_layout_that_grows() {
    let (registry, sandbox) = start();
    put(&registry, &sandbox, "app:amd", "amd64");
    put(&registry, &sandbox, "app:arm", "arm64");
    for (name, file) in [("app:amd", "a.tar"), ("app:arm", "b.tar")] {
        sandbox.stdout(&["pull", &registry.at(name), file]);
    }
    // Whatever its name ends in.
    assert_eq!(
        sandbox.stdout(&["index", "append", "./multi.tar", "a.tar", "b.tar"]),
        ""
    );
    assert_eq!(platforms(&sandbox, "multi.tar"), ["linux/amd64", "linux/arm64"]);
    registry.put_index("more:v1", &index());
    sandbox.stdout(&["index", "append", "multi.tar", &registry.at("more:v1"), "a.tar"]);
    assert_eq!(platforms(&sandbox, "multi.tar").len(), 5);
    sandbox.stdout(&["index", "append", "./nested", "--flatten=false", "multi.tar"]);
    assert_eq!(platforms(&sandbox, "./nested"), ["-"]);
    sandbox.stdout(&["index", "append", "-t", &registry.at("up:v1"), "multi.tar"]);

    assert_snapshot!(sandbox.crane(&["index", "append", "a.tar", "b.tar"]), @"
    exit 1
    -- stderr
    Error: appending to a.tar: saving OCI layout a.tar: create directory a.tar: File exists (os error 17)
    ");
}
