//! Commands that write.

use insta::assert_snapshot;

use crate::fixture::{image, index, other_image};
use crate::registry::TestRegistry;
use crate::sandbox::{Sandbox, read};

fn start() -> (TestRegistry, TestRegistry, Sandbox) {
    let (registry, other) = (TestRegistry::start(), TestRegistry::start());
    let sandbox = Sandbox::new()
        .hide(registry.host.clone(), "[host]")
        .hide(other.host.clone(), "[other]");
    (registry, other, sandbox)
}

#[test]
fn copy_to_another_registry() {
    let (registry, other, sandbox) = start();
    let digest = registry.put_image("app:v1", &image());
    let shown = sandbox.crane(&["copy", &registry.at("app:v1"), &other.at("moved/app:v2")]);
    let mut lines: Vec<&str> = shown.lines().collect();
    // Blobs move side by side.
    lines.sort_unstable();
    assert_snapshot!(lines.join("\n"), @"
    -- stderr
    [time] Copying from [host]/app:v1 to [other]/moved/app:v2
    [time] [other]/moved/app:v2: digest: sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c size: 547
    [time] pushed blob: sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf
    [time] pushed blob: sha256:378bc66a9124f26accf68beb1d7f4e09c7add74264f6535811ed3f6636a2c1a2
    [time] pushed blob: sha256:5e2ec8efc9d7cac0e8d4cf3b1bbe16773c40d9790fd10dd4128a46d50c01b094
    exit 0
    ");
    assert_eq!(other.digest("moved/app:v2"), Some(digest));
    registry.requests();

    assert_snapshot!(sandbox.crane(&["cp", &registry.at("app:v1"), &other.at("moved/app:v2")]), @"
    exit 0
    -- stderr
    [time] Copying from [host]/app:v1 to [other]/moved/app:v2
    [time] existing manifest: v2@sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c
    ");
    assert_snapshot!(registry.requests().join("\n"), @"GET /v2/app/manifests/v1 200");
}

#[test]
fn copy_within_a_registry_mounts() {
    let (registry, _, sandbox) = start();
    let digest = registry.put_image("app:v1", &image());
    let shown = sandbox.crane(&["copy", &registry.at("app:v1"), &registry.at("app2:v1")]);
    assert_eq!(shown.matches("mounted blob: sha256:").count(), 3, "{shown}");
    assert_eq!(registry.digest("app2:v1"), Some(digest));
}

#[test]
fn copy_an_index_whole_or_one_of_it() {
    let (registry, other, sandbox) = start();
    let digest = registry.put_index("multi:v1", &index());
    sandbox.stdout(&["copy", &registry.at("multi:v1"), &other.at("multi:v1")]);
    assert_eq!(other.digest("multi:v1"), Some(digest));

    let child = sandbox.stdout(&["digest", "--platform=linux/arm64", &registry.at("multi:v1")]);
    sandbox.stdout(&[
        "copy",
        "--platform",
        "linux/arm64",
        &registry.at("multi:v1"),
        &other.at("arm:v1"),
    ]);
    assert_eq!(other.digest("arm:v1").as_deref(), Some(child.trim_end()));
}

#[test]
fn no_clobber_keeps_tags() {
    let (registry, other, sandbox) = start();
    registry.put_image("app:v1", &image());
    registry.put_image("app:v2", &image());
    let kept = other.put_image("app:v1", &other_image());
    assert_snapshot!(sandbox.crane(&["copy", "-n", &registry.at("app:v1"), &other.at("app:v1")]), @"
    exit 1
    -- stderr
    [time] Copying from [host]/app:v1 to [other]/app:v1
    Error: refusing to clobber existing tag [other]/app:v1@sha256:2c90ff3b21c42cf791196eb7ab9f89c85346692245329598e8fb2080c4c5b59a
    ");
    let all = sandbox.crane(&["copy", "-an", "-j1", &registry.at("app"), &other.at("app")]);
    assert!(
        all.contains("[time] Skipping [other]/app:v1 due to no-clobber"),
        "{all}"
    );
    assert_eq!(other.digest("app:v1"), Some(kept));
    assert_eq!(other.digest("app:v2"), registry.digest("app:v2"));
    sandbox.stdout(&[
        "copy",
        "--all-tags",
        "--jobs=3",
        &registry.at("app"),
        &other.at("app"),
    ]);
    assert_eq!(other.digest("app:v1"), registry.digest("app:v1"));
}

#[test]
fn a_digest_is_no_place_for_other_content() {
    let (registry, other, sandbox) = start();
    registry.put_image("app:v1", &image());
    let wrong = other.at(&format!("app@sha256:{:0>64}", 1));
    assert_snapshot!(sandbox.crane(&["copy", &registry.at("app:v1"), &wrong]), @"
    exit 1
    -- stderr
    [time] Copying from [host]/app:v1 to [other]/app@sha256:0000000000000000000000000000000000000000000000000000000000000001
    Error: writing manifest [other]/app@sha256:0000000000000000000000000000000000000000000000000000000000000001: the content has digest sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c
    ");
}

#[test]
fn tag_and_delete() {
    let (registry, _, sandbox) = start();
    let digest = registry.put_image("app:v1", &image());
    assert_snapshot!(sandbox.crane(&["tag", &registry.at("app:v1"), "v2"]), @"
    exit 0
    -- stderr
    [time] [host]/app:v2: digest: sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c size: 547
    ");
    assert_snapshot!(registry.requests().join("\n"), @"
    GET /v2/app/manifests/v1 200
    PUT /v2/app/manifests/v2 201
    ");
    assert_eq!(registry.digest("app:v2"), Some(digest.clone()));
    sandbox.stdout(&[
        "tag",
        &registry.at(&format!("app@{digest}")),
        &registry.at("app:v3"),
    ]);
    assert_eq!(registry.digest("app:v3"), Some(digest));
    assert_snapshot!(sandbox.crane(&["tag", &registry.at("app:v1"), "!bad!"]), @"
    exit 1
    -- stderr
    Error: tag can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-.ABCDEFGHIJKLMNOPQRSTUVWXYZ`: !bad!
    ");
    assert_snapshot!(sandbox.crane(&["tag", &registry.at("app:v1"), &registry.at("elsewhere:v1")]), @"
    exit 1
    -- stderr
    Error: writing manifest [host]/app:v1: [host]/elsewhere:v1 is of another repository
    ");
    assert_snapshot!(sandbox.crane(&["tag", &registry.at("app:nope"), "v9"]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:nope: GET http://[host]/v2/app/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in app
    ");

    assert_snapshot!(sandbox.crane(&["delete", &registry.at("app:v3")]), @"exit 0");
    assert_eq!(registry.digest("app:v3"), None);
    assert!(registry.digest("app:v2").is_some());
    assert_snapshot!(sandbox.crane(&["delete", &registry.at("app:v3")]), @"
    exit 1
    -- stderr
    Error: deleting [host]/app:v3: DELETE http://[host]/v2/app/manifests/v3: MANIFEST_UNKNOWN: no manifest v3 in app
    ");
}

#[test]
fn layouts_round_trip() {
    let (registry, other, sandbox) = start();
    let digest = registry.put_index("multi:v1", &index());
    assert_snapshot!(sandbox.crane(&["pull", "--format=oci", &registry.at("multi:v1"), "all"]), @"exit 0");
    let pushed = sandbox.stdout(&["push", "--image-refs=refs", "all", &other.at("multi:v1")]);
    assert_eq!(pushed, format!("{}@{digest}\n", other.at("multi")));
    assert_eq!(read(&sandbox.path("refs")), pushed.trim_end().as_bytes());
    assert_eq!(
        sandbox.stdout(&["manifest", &registry.at("multi:v1")]),
        sandbox.stdout(&["manifest", &other.at("multi:v1")])
    );

    // One child of it; its entry keeps the platform. Options may stand between the arguments.
    sandbox.stdout(&[
        "pull",
        &registry.at("multi:v1"),
        "--format",
        "oci",
        "one",
        "--platform",
        "linux/arm64",
    ]);
    let child = sandbox.stdout(&["digest", "--platform=linux/arm64", &registry.at("multi:v1")]);
    let entries: serde_json::Value =
        serde_json::from_slice(&read(&sandbox.path("one/index.json"))).expect("JSON");
    assert_eq!(entries["manifests"][0]["platform"]["variant"], "v8");
    assert_eq!(entries["manifests"][0]["digest"].as_str(), Some(child.trim_end()));
    let pushed = sandbox.stdout(&["push", "one", &other.at("one")]);
    assert_eq!(pushed, format!("{}@{child}", other.at("one")));
}

#[test]
fn a_layout_of_several_is_an_index() {
    let (registry, other, sandbox) = start();
    registry.put_image("app:v1", &image());
    registry.put_image("app:v2", &other_image());
    let (one, two) = (registry.at("app:v1"), registry.at("app:v2"));
    // The same text twice is one image, as is the same image again.
    sandbox.stdout(&["pull", "--format=oci", &one, &two, &one, "both"]);
    sandbox.stdout(&["pull", "--format=oci", &one, "both"]);
    assert_snapshot!(sandbox.crane(&["push", "both", &other.at("app")]), @"
    exit 1
    -- stderr
    Error: layout contains 2 entries, consider --index
    ");
    let pushed = sandbox.stdout(&["push", "--index", "both", &other.at("app")]);
    let manifest = sandbox.stdout(&["manifest", &other.at("app")]);
    assert_eq!(manifest.into_bytes(), read(&sandbox.path("both/index.json")));
    assert!(
        pushed.starts_with(&format!("{}@sha256:", other.at("app"))),
        "{pushed}"
    );
}

#[test]
fn archives_round_trip() {
    let (registry, other, sandbox) = start();
    registry.put_image("app:v1", &image());
    registry.put_index("multi:v1", &index());
    assert_snapshot!(sandbox.crane(&["pull", &registry.at("app:v1"), "file.tar"]), @"exit 0");
    let pushed = sandbox.stdout(&["push", "file.tar", &other.at("app:v1")]);
    let digest = sandbox.stdout(&["digest", "--tarball=file.tar"]);
    assert_eq!(pushed, format!("{}@{digest}", other.at("app")));
    assert_eq!(
        sandbox.stdout(&["config", &other.at("app:v1")]),
        sandbox.stdout(&["config", &registry.at("app:v1")])
    );

    // Through a pipe it is the same bytes, and they are taken from one.
    let piped = sandbox
        .command(&["pull", &registry.at("app:v1"), "-"])
        .output()
        .expect("crane starts");
    assert_eq!(piped.stdout, read(&sandbox.path("file.tar")));
    let input = std::fs::File::open(sandbox.path("file.tar")).expect("file");
    let mut command = sandbox.command(&["push", "-", &other.at("app:v2")]);
    let output = command.stdin(input).output().expect("crane starts");
    assert_eq!(
        sandbox.show(&output).lines().nth(2),
        Some(&*format!("[other]/app@{}", digest.trim_end()))
    );

    // Several images are told apart by their tags; of an index one is taken.
    let (one, multi) = (registry.at("app:v1"), registry.at("multi:v1"));
    sandbox.stdout(&["pull", &one, &multi, "both.tar"]);
    assert_eq!(sandbox.stdout(&["digest", "--tarball", "both.tar", &one]), digest);
    assert_ne!(
        sandbox.stdout(&["digest", "--tarball", "both.tar", &multi]),
        digest
    );
    assert_snapshot!(sandbox.crane(&["digest", "--tarball", "both.tar"]), @"
    exit 1
    -- stderr
    Error: loading both.tar as tarball: tarball must contain only a single image to be used with tarball.Image
    ");
    assert_snapshot!(sandbox.crane(&["digest", "--tarball", "both.tar", "nope"]), @"
    exit 1
    -- stderr
    Error: loading both.tar as tarball: tag nope not found in tarball
    ");
    assert_snapshot!(sandbox.crane(&["push", "both.tar", &other.at("app")]), @"
    exit 1
    -- stderr
    Error: loading both.tar as tarball: tarball must contain only a single image to be used with tarball.Image
    ");
}

#[test]
fn archives_of_the_old_format_have_no_names_for_digests() {
    let (registry, _, sandbox) = start();
    let digest = registry.put_image("app:v1", &image());
    let by_digest = registry.at(&format!("app@{digest}"));
    for (format, want) in [
        ("legacy", serde_json::Value::Null),
        ("tarball", [registry.at("app:i-was-a-digest")].to_vec().into()),
    ] {
        sandbox.stdout(&["pull", "--format", format, &by_digest, "file.tar"]);
        let bytes = read(&sandbox.path("file.tar"));
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries().expect("entries");
        let manifest = entries
            .map(|entry| entry.expect("an entry"))
            .find(|entry| entry.path().is_ok_and(|path| path.ends_with("manifest.json")));
        let records: serde_json::Value =
            serde_json::from_reader(manifest.expect("a manifest")).expect("JSON");
        assert_eq!(records[0]["RepoTags"], want, "{format}");
    }
}

#[test]
fn annotate_ref_names_the_entry() {
    let (registry, _, sandbox) = start();
    registry.put_image("app:v1", &image());
    sandbox.stdout(&[
        "pull",
        "--format=oci",
        "--annotate-ref",
        &registry.at("app:v1"),
        "dir",
    ]);
    let entries: serde_json::Value =
        serde_json::from_slice(&read(&sandbox.path("dir/index.json"))).expect("JSON");
    let name = entries["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"].as_str();
    assert_eq!(name, Some(registry.at("app:v1").as_str()));
}

/// A tar archive of one file, as `tar` writes it.
fn tar(sandbox: &Sandbox, name: &str, options: &[&str]) {
    std::fs::write(sandbox.path("hello"), "world\n").expect("file");
    let mut tar = std::process::Command::new("tar");
    tar.current_dir(sandbox.path("")).args([
        "--mtime=@0",
        "--owner=0",
        "--numeric-owner",
        "--group=0",
        "--mode=0644",
        "--format=ustar",
    ]);
    assert!(
        tar.args(options)
            .args(["-cf", name, "hello"])
            .status()
            .expect("tar starts")
            .success()
    );
}

#[test]
fn append() {
    let (registry, other, sandbox) = start();
    tar(&sandbox, "layer.tar", &[]);
    tar(&sandbox, "layer.tgz", &["-z"]);
    let app = registry.at("app:v1");
    let shown = sandbox.crane(&["append", "-f", "layer.tar", "-t", &app]);
    assert!(
        shown.starts_with("exit 0\n-- stdout\n[host]/app@sha256:"),
        "{shown}"
    );
    assert!(
        shown.contains("[time] base unspecified, using empty image\n"),
        "{shown}"
    );
    assert_snapshot!(sandbox.stdout(&["config", &app]), @r#"{"architecture":"","created":"0001-01-01T00:00:00Z","history":[{"created":"0001-01-01T00:00:00Z"}],"os":"","rootfs":{"type":"layers","diff_ids":["sha256:98e2416c7c2461d330d886789a2b58f519ed6c41ab85832c7dfd62c24f6f3fae"]},"config":{}}"#);

    // What is compressed already stays as it is, also when it comes through a pipe.
    let input = std::fs::File::open(sandbox.path("layer.tgz")).expect("file");
    let mut command = sandbox.command(&["append", "-b", &app, "-f-", "-t", &other.at("app:v2")]);
    let output = command.stdin(input).output().expect("crane starts");
    assert!(output.status.success(), "{}", sandbox.show(&output));
    let manifest: serde_json::Value =
        serde_json::from_str(&sandbox.stdout(&["manifest", &other.at("app:v2")])).expect("JSON");
    let layer = manifest["layers"][1]["digest"].as_str().expect("digest");
    assert_eq!(
        layer,
        wharf::v1::sha256(read(&sandbox.path("layer.tgz"))).to_string()
    );
    assert_eq!(
        manifest["layers"][1]["mediaType"],
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    );

    // Several at once, a directory among them, with OCI types, into a file.
    std::fs::create_dir(sandbox.path("dir")).expect("directory");
    let arguments = [
        "append",
        "--oci-empty-base",
        "-f",
        "layer.tgz,dir",
        "-t",
        "app",
        "-o",
        "out.tar",
    ];
    assert_eq!(sandbox.stdout(&arguments), "");
    assert!(
        sandbox
            .stdout(&["digest", "--tarball=out.tar", "app"])
            .starts_with("sha256:")
    );

    std::fs::write(sandbox.path("text.yml"), "not: a tar\n").expect("file");
    assert_snapshot!(sandbox.crane(&["append", "-f", "text.yml", "-t", &app, "-o", "no.tar"]), @"
    exit 1
    -- stderr
    [time] base unspecified, using empty image
    Error: appending text.yml: layer is not a valid tar archive: failed to read entire block
    ");
    assert_snapshot!(sandbox.crane(&["append", "-f", "nope.tar", "-t", &app]), @"
    exit 1
    -- stderr
    [time] base unspecified, using empty image
    Error: appending nope.tar: open nope.tar: No such file or directory (os error 2)
    ");
    assert!(!sandbox.path("no.tar").exists());
}
