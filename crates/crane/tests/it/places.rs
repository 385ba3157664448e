//! References that are no registry's: layouts and archives.

use insta::assert_snapshot;

use crate::fixture::{image, index, other_image};
use crate::registry::TestRegistry;
use crate::sandbox::{Sandbox, read};

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    (registry, sandbox)
}

#[test]
fn an_index_goes_around_and_stays_what_it_is() {
    let (registry, sandbox) = start();
    let digest = registry.put_index("multi:v1", &index());
    let stops = [
        &registry.at("multi:v1"),
        "oci:dir:v1",
        "oci-archive:file.tar:v1",
        "oci:other",
        &registry.at("multi:v2"),
    ];
    for pair in stops.windows(2) {
        sandbox.stdout(&["copy", pair[0], pair[1]]);
        assert_eq!(
            sandbox.stdout(&["digest", pair[1]]).trim_end(),
            digest,
            "{}",
            pair[1]
        );
    }
    let manifest = sandbox.stdout(&["manifest", &registry.at("multi:v1")]);
    for place in [
        "oci:dir:v1",
        &format!("oci:dir@{digest}"),
        "oci-archive:file.tar",
        "oci:other",
    ] {
        assert_eq!(sandbox.stdout(&["manifest", place]), manifest, "{place}");
    }
    let (config, child) = (
        sandbox.stdout(&["config", "--platform=linux/arm64", &registry.at("multi:v1")]),
        sandbox.stdout(&["digest", "--platform=linux/arm64", &registry.at("multi:v1")]),
    );
    for place in ["oci:dir:v1", "oci-archive:file.tar"] {
        assert_eq!(
            sandbox.stdout(&["config", "--platform=linux/arm64", place]),
            config,
            "{place}"
        );
        assert_eq!(
            sandbox.stdout(&["digest", "--platform=linux/arm64", place]),
            child,
            "{place}"
        );
    }
}

#[test]
fn docker_archives_hold_one_image() {
    let (registry, sandbox) = start();
    registry.put_index("multi:v1", &index());
    sandbox.stdout(&["copy", &registry.at("multi:v1"), "docker-archive:a.tar:app:v1"]);
    let digest = sandbox.stdout(&["digest", "docker-archive:a.tar"]);
    assert_eq!(sandbox.stdout(&["digest", "--tarball=a.tar", "app:v1"]), digest);
    assert_eq!(sandbox.stdout(&["digest", "docker-archive:a.tar:app:v1"]), digest);
    assert_eq!(
        sandbox.stdout(&["config", "docker-archive:a.tar"]),
        sandbox.stdout(&["config", &registry.at("multi:v1")])
    );
    sandbox.stdout(&["copy", "docker-archive:a.tar", &registry.at("back")]);
    assert_eq!(registry.digest("back").as_deref(), Some(digest.trim_end()));
    assert_snapshot!(sandbox.crane(&["config", "docker-archive:a.tar:app:v2"]), @"
    exit 1
    -- stderr
    Error: loading a.tar as tarball: tag app:v2 not found in tarball
    ");
}

#[test]
fn names_in_a_layout() {
    let (registry, sandbox) = start();
    let first = registry.put_image("app:v1", &image());
    let second = registry.put_image("app:v2", &other_image());
    sandbox.stdout(&["copy", &registry.at("app:v1"), "oci:dir:a/b:v1"]);
    sandbox.stdout(&["copy", &registry.at("app:v2"), "oci:dir"]);
    assert_eq!(sandbox.stdout(&["digest", "oci:dir:a/b:v1"]).trim_end(), first);
    assert_eq!(
        sandbox
            .stdout(&["digest", &format!("oci:dir@{second}")])
            .trim_end(),
        second
    );
    assert_snapshot!(sandbox.crane(&["manifest", "oci:dir"]), @"
    exit 1
    -- stderr
    Error: no single entry of the layout is oci:dir; there are 2: a/b:v1, sha256:2c90ff3b21c42cf791196eb7ab9f89c85346692245329598e8fb2080c4c5b59a
    ");
    assert_snapshot!(sandbox.crane(&["manifest", "oci:dir:nope"]), @"
    exit 1
    -- stderr
    Error: no single entry of the layout is oci:dir:nope; there are 2: a/b:v1, sha256:2c90ff3b21c42cf791196eb7ab9f89c85346692245329598e8fb2080c4c5b59a
    ");
    assert_snapshot!(sandbox.crane(&["manifest", "oci:nowhere"]), @"
    exit 1
    -- stderr
    Error: loading nowhere as OCI layout: open nowhere/index.json: No such file or directory (os error 2)
    ");
    assert_snapshot!(sandbox.crane(&["manifest", "oci:"]), @"
    exit 1
    -- stderr
    Error: oci:: the path is missing, as in oci:DIRECTORY:NAME
    ");
    assert_snapshot!(sandbox.crane(&["digest", "--full-ref", "oci:dir:a/b:v1"]), @"
    exit 1
    -- stderr
    Error: --full-ref is for images in a registry
    ");

    // The same name is replaced, unless it must not be.
    assert_snapshot!(sandbox.crane(&["copy", "-n", &registry.at("app:v2"), "oci:dir:a/b:v1"]), @"
    exit 1
    -- stderr
    [time] Copying from [host]/app:v2 to oci:dir:a/b:v1
    Error: refusing to overwrite oci:dir:a/b:v1
    ");
    sandbox.stdout(&["copy", &registry.at("app:v2"), "oci:dir:a/b:v1"]);
    assert_eq!(sandbox.stdout(&["digest", "oci:dir:a/b:v1"]).trim_end(), second);
    // What has a digest is stored under no other.
    assert_snapshot!(sandbox.crane(&["copy", &registry.at("app:v2"), &format!("oci:dir@{first}")]), @"
    exit 1
    -- stderr
    [time] Copying from [host]/app:v2 to oci:dir@sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c
    Error: writing oci:dir@sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c: the content has digest sha256:2c90ff3b21c42cf791196eb7ab9f89c85346692245329598e8fb2080c4c5b59a
    ");
}

#[test]
fn blobs_of_layouts() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    sandbox.stdout(&["copy", &registry.at("app:v1"), "oci:dir"]);
    sandbox.stdout(&["copy", "oci:dir", "oci-archive:file.tar"]);
    let manifest: serde_json::Value =
        serde_json::from_str(&sandbox.stdout(&["manifest", "oci:dir"])).expect("JSON");
    let layer = manifest["layers"][0]["digest"].as_str().expect("digest");
    for place in [
        registry.at("app"),
        "oci:dir".to_owned(),
        "oci-archive:file.tar".to_owned(),
    ] {
        let output = sandbox
            .command(&["blob", &format!("{place}@{layer}")])
            .output()
            .expect("crane starts");
        assert_eq!(wharf::v1::sha256(output.stdout).to_string(), layer, "{place}");
    }
    assert_snapshot!(sandbox.crane(&["blob", &format!("oci:dir@sha256:{:0>64}", 1)]), @"
    exit 1
    -- stderr
    Error: loading dir as OCI layout: sha256:0000000000000000000000000000000000000000000000000000000000000001 not found
    ");
    assert_snapshot!(sandbox.crane(&["blob", "oci:dir"]), @"
    exit 1
    -- stderr
    Error: a digest must contain exactly one '@' separator (e.g. registry/repository@digest) saw: oci:dir
    ");
}

#[test]
fn several_platforms_make_a_smaller_index() {
    let (registry, sandbox) = start();
    registry.put_index("multi:v1", &index());
    let multi = registry.at("multi:v1");
    let platforms = |place: &str| {
        let manifest: serde_json::Value =
            serde_json::from_str(&sandbox.stdout(&["manifest", place])).expect("JSON");
        let children = manifest["manifests"].as_array().expect("an index").clone();
        let arch = |child: &serde_json::Value| {
            format!(
                "{}/{}",
                child["platform"]["os"], child["platform"]["architecture"]
            )
            .replace('"', "")
        };
        children.iter().map(arch).collect::<Vec<_>>()
    };
    sandbox.stdout(&[
        "copy",
        "--platform=linux/arm64,linux/amd64",
        &multi,
        &registry.at("two:v1"),
    ]);
    assert_eq!(platforms(&registry.at("two:v1")), ["linux/amd64", "linux/arm64"]);
    sandbox.stdout(&[
        "copy",
        "--platform=windows/amd64",
        "--platform=linux/arm64",
        &multi,
        "oci:dir",
    ]);
    assert_eq!(platforms("oci:dir"), ["linux/arm64", "windows/amd64"]);
    // The rest of it stays.
    assert!(sandbox.stdout(&["manifest", "oci:dir"]).contains("\"kept\":"));

    assert_snapshot!(sandbox.crane(&["copy", "--platform=linux/arm64,linux/s390x", &multi, "oci:no"]), @"
    exit 1
    -- stderr
    [time] Copying from [host]/multi:v1 to oci:no
    Error: no child with platform linux/s390x (there are: linux/amd64, linux/arm64/v8, windows/amd64:10.0.20348.1)
    ");
    assert!(!sandbox.path("no").exists());
    assert_snapshot!(sandbox.crane(&["digest", "--platform=linux/arm64,linux/amd64", &multi]), @"
    exit 1
    -- stderr
    Error: --platform: this command takes one platform
    ");
}

#[test]
fn the_local_platform() {
    let (registry, sandbox) = start();
    registry.put_index("multi:v1", &index());
    let local = wharf::v1::PlatformSpec::local().to_string();
    let (named, asked) = (
        sandbox.crane(&["digest", "--platform=local", &registry.at("multi:v1")]),
        sandbox.crane(&["digest", &format!("--platform={local}"), &registry.at("multi:v1")]),
    );
    assert_eq!(named, asked);
}

#[test]
fn append_to_and_into_layouts() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    sandbox.stdout(&["copy", &registry.at("app:v1"), "oci:dir:base"]);
    std::fs::create_dir(sandbox.path("files")).expect("directory");
    std::fs::write(sandbox.path("files/hello"), "world\n").expect("file");
    let line = sandbox.stdout(&["append", "-b", "oci:dir:base", "-f", "files", "-t", "oci:dir:new"]);
    let place = line.trim_end();
    assert!(place.starts_with("oci:dir@sha256:"), "{place}");
    assert_eq!(
        sandbox.stdout(&["manifest", place]),
        sandbox.stdout(&["manifest", "oci:dir:new"])
    );
    let layers = |place: &str| {
        let manifest: serde_json::Value =
            serde_json::from_str(&sandbox.stdout(&["manifest", place])).expect("JSON");
        manifest["layers"].as_array().expect("layers").len()
    };
    assert_eq!((layers("oci:dir:base"), layers("oci:dir:new")), (2, 3));
    assert!(!read(&sandbox.path("dir/index.json")).is_empty());
}
