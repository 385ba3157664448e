//! Files in a registry, and beside an image.

use insta::assert_snapshot;
use serde_json::Value;

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::{Sandbox, read};

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    std::fs::create_dir_all(sandbox.path("docs/deep")).expect("directory");
    std::fs::write(sandbox.path("a.txt"), "hello\n").expect("file");
    std::fs::write(sandbox.path("docs/b.json"), "{}\n").expect("file");
    std::fs::write(sandbox.path("docs/deep/c"), "deep\n").expect("file");
    (registry, sandbox)
}

#[test]
fn files_and_directories_come_back() {
    let (registry, sandbox) = start();
    let name = registry.at("files:v1");
    let printed = sandbox.stdout(&[
        "artifact",
        "push",
        &name,
        "a.txt:text/plain",
        "docs/b.json",
        "--artifact-type=application/vnd.example",
        "-a",
        "one=1",
        "--annotation=two=2=2",
    ]);
    let digest = registry.digest("files:v1").expect("pushed");
    assert_eq!(
        printed,
        format!(
            "{}@{digest}
",
            registry.at("files")
        )
    );
    assert_snapshot!(sandbox.stdout(&["manifest", &name]), @r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[{"mediaType":"text/plain","size":6,"digest":"sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03","annotations":{"org.opencontainers.image.title":"a.txt"}},{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":3,"digest":"sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356","annotations":{"org.opencontainers.image.title":"docs/b.json"}}],"annotations":{"one":"1","two":"2=2"},"artifactType":"application/vnd.example"}"#);

    let printed = sandbox.stdout(&["artifact", "pull", &name, "--output=out"]);
    assert_eq!(printed, "out/a.txt\nout/docs/b.json\n");
    assert_eq!(read(&sandbox.path("out/a.txt")), b"hello\n");
    assert_eq!(read(&sandbox.path("out/docs/b.json")), b"{}\n");
    assert_snapshot!(sandbox.stdout(&["artifact", "pull", &name, "--output=out", "--json"]), @r#"
    {
      "files": [
        {
          "path": "out/a.txt",
          "digest": "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
          "size": 6,
          "mediaType": "text/plain"
        },
        {
          "path": "out/docs/b.json",
          "digest": "sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356",
          "size": 3,
          "mediaType": "application/vnd.oci.image.layer.v1.tar"
        }
      ],
      "untitled": []
    }
    "#);

    // A directory is one layer; the same files make the same digest.
    let first = sandbox.stdout(&["artifact", "push", &registry.at("files:dir"), "docs"]);
    let again = sandbox.stdout(&["artifact", "push", &registry.at("files:dir"), "docs/"]);
    assert_eq!(first, again);
    sandbox.stdout(&["artifact", "pull", &registry.at("files:dir"), "-o", "unpacked"]);
    if cfg!(target_os = "linux") {
        assert_eq!(read(&sandbox.path("unpacked/docs/deep/c")), b"deep\n");
    } else {
        assert!(sandbox.path("unpacked/docs.tar.gz").exists());
    }
}

#[test]
fn a_config_and_no_files() {
    let (registry, sandbox) = start();
    let name = registry.at("conf:v1");
    sandbox.stdout(&[
        "artifact",
        "push",
        &name,
        "--config=docs/b.json:application/vnd.example.config",
    ]);
    assert_eq!(sandbox.stdout(&["config", &name]), "{}\n");
    let manifest: Value = serde_json::from_str(&sandbox.stdout(&["manifest", &name])).expect("JSON");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.example.config");
    assert_eq!(manifest["artifactType"], Value::Null);
    assert_eq!(sandbox.stdout(&["artifact", "pull", &name]), "");
}

#[test]
fn artifacts_in_layouts() {
    let (_, sandbox) = start();
    let line = sandbox.stdout(&["artifact", "push", "oci:dir:files", "a.txt"]);
    assert!(line.starts_with("oci:dir@sha256:"), "{line}");
    sandbox.stdout(&["copy", "oci:dir:files", "oci-archive:files.tar"]);
    assert_eq!(
        sandbox.stdout(&["artifact", "pull", "oci-archive:files.tar", "-oout"]),
        "out/a.txt\n"
    );
    let descriptor = sandbox.stdout(&["artifact", "push", "oci:dir:files", "a.txt", "--json"]);
    let descriptor: Value = serde_json::from_str(&descriptor).expect("JSON");
    assert_eq!(descriptor["artifactType"], "application/vnd.unknown.artifact.v1");
}

#[test]
fn attached_files_refer_to_their_image() {
    let (registry, sandbox) = start();
    let digest = registry.put_image("app:v1", &image());
    let attached = sandbox.stdout(&[
        "attach",
        &registry.at("app:v1"),
        "docs/b.json:application/spdx+json",
        "--artifact-type=application/spdx+json",
    ]);
    assert!(
        attached.starts_with(&format!("{}@sha256:", registry.at("app"))),
        "{attached}"
    );
    let manifest: Value =
        serde_json::from_str(&sandbox.stdout(&["manifest", attached.trim_end()])).expect("JSON");
    assert_eq!(manifest["subject"]["digest"], digest.as_str());
    assert_eq!(manifest["artifactType"], "application/spdx+json");

    sandbox.stdout(&["copy", &registry.at("app:v1"), "oci:dir:v1"]);
    let attached = sandbox.stdout(&["attach", "oci:dir:v1", "a.txt"]);
    let manifest: Value =
        serde_json::from_str(&sandbox.stdout(&["manifest", attached.trim_end()])).expect("JSON");
    assert_eq!(manifest["subject"]["digest"], digest.as_str());
    sandbox.stdout(&["copy", "oci:dir:v1", "oci-archive:file.tar"]);
    assert_snapshot!(sandbox.crane(&["attach", "oci-archive:file.tar", "a.txt"]), @"
    exit 1
    -- stderr
    Error: oci-archive:file.tar cannot be added to: use a layout in a directory (oci:DIRECTORY)
    ");
}

#[test]
fn nothing_is_stored_elsewhere() {
    let (registry, sandbox) = start();
    std::fs::create_dir_all(sandbox.path("layout/blobs/sha256")).expect("directory");
    let name = registry.at("evil:v1");
    sandbox.stdout(&["artifact", "push", &name, "a.txt"]);
    let manifest = sandbox.stdout(&["manifest", &name]);
    sandbox.stdout(&["copy", &name, "oci:layout"]);
    let blob = |text: &str| {
        let digest = wharf::v1::sha256(text);
        std::fs::write(sandbox.path("layout/blobs/sha256").join(digest.digest()), text).expect("blob");
        let size = text.len();
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{size}}}]}}"#
        );
        std::fs::write(sandbox.path("layout/index.json"), index).expect("index");
    };
    for title in ["../up", "/tmp/absolute", "a/../../b", "..", "back\\\\slash"] {
        blob(&manifest.replace("a.txt", title));
        let shown = sandbox.crane(&["artifact", "pull", "oci:layout", "-o", "out"]);
        assert_eq!(
            shown,
            format!("exit 1\n-- stderr\nError: refusing to store a layer as \"{title}\"\n")
        );
        assert!(!sandbox.path("out").exists());
    }
    #[cfg(unix)]
    {
        std::fs::create_dir(sandbox.path("out")).expect("directory");
        std::os::unix::fs::symlink(sandbox.path("docs"), sandbox.path("out/link")).expect("link");
        blob(&manifest.replace("a.txt", "link/new"));
        assert_snapshot!(sandbox.crane(&["artifact", "pull", "oci:layout", "-o", "out"]), @"
        exit 1
        -- stderr
        Error: writing out/link: not a directory
        ");
        assert!(!sandbox.path("docs/new").exists());
    }
}

#[test]
fn failures() {
    let (registry, sandbox) = start();
    let name = registry.at("files:v1");
    assert_snapshot!(sandbox.crane(&["artifact", "push", &name, "nope"]), @"
    exit 1
    -- stderr
    Error: opening nope: No such file or directory (os error 2)
    ");
    assert_snapshot!(sandbox.crane(&["artifact", "push", &name, "a.txt", "-a", "=x"]), @r#"
    exit 1
    -- stderr
    Error: invalid argument "=x" for "-a, --annotation" flag: =x must be formatted as key=value
    "#);
    assert_snapshot!(sandbox.crane(&["artifact", "push", "docker-archive:a.tar", "a.txt"]), @r#"
    exit 1
    -- stderr
    Error: "application/vnd.oci.empty.v1+json" is neither image nor index
    "#);
    assert_snapshot!(sandbox.crane(&["artifact", "pull", &name]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/files:v1: GET http://[host]/v2/files/manifests/v1: MANIFEST_UNKNOWN: no manifest v1 in files
    ");
    assert_snapshot!(sandbox.crane(&["attach", &name, "a.txt"]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/files:v1: GET http://[host]/v2/files/manifests/v1: MANIFEST_UNKNOWN: no manifest v1 in files
    ");
    assert_snapshot!(sandbox.crane(&["artifact", "bogus"]), @r#"
    exit 1
    -- stderr
    Error: unknown command "bogus" for "crane artifact"
    Run 'crane artifact --help' for usage.
    "#);
}
