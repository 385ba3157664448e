//! `crane edit`, `rebase`, `flatten`, `export` and `validate`.

use std::path::Path;

use insta::assert_snapshot;
use serde_json::Value;

use crate::fixture::{image, index, packed};
use crate::registry::TestRegistry;
use crate::sandbox::{Sandbox, read};

pub(crate) fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    (registry, sandbox)
}

pub(crate) fn config(sandbox: &Sandbox, image: &str) -> Value {
    serde_json::from_str(&sandbox.stdout(&["config", image])).expect("JSON")
}

pub(crate) fn manifest(sandbox: &Sandbox, image: &str) -> Value {
    serde_json::from_str(&sandbox.stdout(&["manifest", image])).expect("JSON")
}

/// Makes files in a directory of the sandbox, and an image of them in the registry.
fn put_files(registry: &TestRegistry, sandbox: &Sandbox, name: &str, files: &[(&str, &str)]) -> String {
    let root = sandbox.path("files");
    for (path, content) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        std::fs::write(path, content).expect("file");
    }
    let image = registry.run(packed(&root, "amd64"));
    std::fs::remove_dir_all(&root).expect("removed");
    registry.put_image(name, &image)
}

/// What `tar` lists of an archive, by name.
fn listed(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("entries");
    let names = entries.map(|entry| entry.expect("entry").path().expect("path").display().to_string());
    names.collect()
}

#[test]
fn edit_reads_standard_input() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    let app = registry.at("app:v1");
    let edited = sandbox
        .stdout(&["config", &app])
        .replace(r#""config":{}"#, r#""config":{"User":"me"}"#);
    let shown = sandbox.show(&sandbox.fed(
        &["edit", "config", &app, "-t", &registry.at("app:v2")],
        edited.as_bytes(),
    ));
    assert!(shown.contains("-- stdout\n[host]/app:v2\n"), "{shown}");
    assert_eq!(sandbox.stdout(&["config", &registry.at("app:v2")]), edited);

    // Whatever it is, and one that does not fit can be mended.
    for config in ["{}", &edited] {
        let shown = sandbox.fed(&["edit", "config", &registry.at("app:v2")], config);
        assert!(shown.status.success(), "{}", sandbox.show(&shown));
        assert_eq!(sandbox.stdout(&["config", &registry.at("app:v2")]), config);
    }
    // Elsewhere its layers have to be.
    let other = registry.at("other:v1");
    let shown = sandbox.fed(&["edit", "config", &app, "-t", &other], &edited);
    assert!(shown.status.success(), "{}", sandbox.show(&shown));
    assert_eq!(
        sandbox.stdout(&["validate", "--remote", &other]),
        format!("PASS: {other}\n")
    );

    let raw = br#"{"schemaVersion":2,"mediaType":"application/vnd.example+json"}"#;
    let shown = sandbox.fed(&["edit", "manifest", &app, "-t", &registry.at("app:v3")], raw);
    assert!(shown.status.success(), "{}", sandbox.show(&shown));
    assert_eq!(
        sandbox.stdout(&["manifest", &registry.at("app:v3")]).as_bytes(),
        raw
    );
    assert_snapshot!(sandbox.show(&sandbox.fed(&["edit", "manifest", &app], b"no JSON")), @"
    exit 1
    -- stderr
    Error: editing manifest: expected ident at line 1 column 2
    ");

    put_files(&registry, &sandbox, "files:v1", &[("a/file", "before")]);
    let files = registry.at("files:v1");
    for content in ["first", "second"] {
        let shown = sandbox.fed(&["edit", "fs", &files, "-f", "/a/file"], content.as_bytes());
        assert!(shown.status.success(), "{}", sandbox.show(&shown));
    }
    let mut archive = tar::Archive::new(std::io::Cursor::new(
        sandbox
            .command(&["export", &files])
            .output()
            .expect("crane starts")
            .stdout,
    ));
    let mut found = Vec::new();
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("entry");
        if entry.path().expect("path") == Path::new("a/file") {
            std::io::copy(&mut entry, &mut found).expect("content");
        }
    }
    assert_eq!(found, b"second");
    // As it was before.
    let listed = sandbox.stdout(&["ls-files", "--long", &files]);
    let file = listed.lines().find(|line| line.ends_with("a/file"));
    assert!(
        file.is_some_and(|line| line.starts_with("-rw-r--r--")),
        "{listed}"
    );
}

#[test]
fn edit_runs_an_editor_only_on_a_terminal() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    let mut command = sandbox.command(&["edit", "config", &registry.at("app:v1")]);
    command.env("EDITOR", "/no/such/editor");
    let shown = sandbox.show(&command.output().expect("crane starts"));
    assert!(!shown.contains("/no/such/editor"), "{shown}");
}

#[test]
fn export_writes_files_whole_or_not_at_all() {
    let (registry, sandbox) = start();
    put_files(&registry, &sandbox, "files:v1", &[("a/one", "1"), ("two", "2")]);
    let files = registry.at("files:v1");
    let exported = sandbox
        .command(&["export", &files, "-"])
        .output()
        .expect("crane starts")
        .stdout;
    assert_eq!(listed(&exported), ["a", "a/one", "two"]);
    sandbox.stdout(&["export", &files, "out.tar"]);
    assert_eq!(read(&sandbox.path("out.tar")), exported);

    assert_snapshot!(sandbox.crane(&["export", &registry.at("files:none"), "none.tar"]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/files:none: GET http://[host]/v2/files/manifests/none: MANIFEST_UNKNOWN: no manifest none in files
    ");
    assert!(!sandbox.path("none.tar").exists());
    assert_snapshot!(sandbox.crane(&["export", &files, "no/such/out.tar"]), @r#"
    exit 1
    -- stderr
    Error: writing no/such/out.tar: No such file or directory (os error 2) at path "[dir]/no/such/.wharf-[random]"
    "#);

    sandbox.stdout(&["pull", &files, "pulled.tar"]);
    let fed = sandbox.fed(&["export", "-", "-"], read(&sandbox.path("pulled.tar")));
    assert_eq!(fed.stdout, exported, "{}", sandbox.show(&fed));
    assert_snapshot!(sandbox.show(&sandbox.fed(&["export", "-"], b"no archive")), @"
    exit 1
    -- stderr
    Error: loading - as tarball: unexpected EOF
    ");
}

#[test]
fn flatten_keeps_families_and_files() {
    let (registry, sandbox) = start();
    put_files(&registry, &sandbox, "files:v1", &[("a/one", "1"), ("two", "2")]);
    let (files, flat) = (registry.at("files:v1"), registry.at("files:flat"));
    std::fs::create_dir(sandbox.path("more")).expect("directory");
    std::fs::write(sandbox.path("more/three"), "3").expect("file");
    sandbox.stdout(&["append", "-b", &files, "-f", "more", "-t", &files]);
    let shown = sandbox.stdout(&["flatten", &files, "-t", &flat]);
    assert_eq!(
        shown,
        format!(
            "{}@{}\n",
            registry.at("files"),
            registry.digest("files:flat").expect("pushed")
        )
    );
    let manifest = manifest(&sandbox, &flat);
    assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        manifest["layers"][0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+gzip"
    );
    let created_by = config(&sandbox, &flat)["history"][0]["created_by"].to_string();
    assert!(created_by.starts_with("\"crane flatten sha256:"), "{created_by}");
    let exported = |image: &str| {
        sandbox
            .command(&["export", image])
            .output()
            .expect("crane starts")
            .stdout
    };
    assert_eq!(exported(&flat), exported(&files));

    registry.put_index("multi:v1", &index());
    assert_snapshot!(sandbox.crane(&["flatten", &registry.at("multi:none")]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/multi:none: GET http://[host]/v2/multi/manifests/none: MANIFEST_UNKNOWN: no manifest none in multi
    ");
}

#[test]
fn rebase_exchanges_the_base() {
    let (registry, sandbox) = start();
    let at = |name: &str| registry.at(name);
    let layer = |name: &str| {
        let directory = sandbox.path(name);
        std::fs::create_dir(&directory).expect("directory");
        std::fs::write(directory.join(name), name).expect("file");
        name.to_owned()
    };
    let (old, top, new) = (layer("old"), layer("top"), layer("new"));
    sandbox.stdout(&["append", "-f", &old, "-t", &at("base:v1")]);
    sandbox.stdout(&[
        "append",
        "-b",
        &at("base:v1"),
        "-f",
        &top,
        "-t",
        &at("app:v1"),
        "--set-base-image-annotations",
    ]);
    sandbox.stdout(&["append", "-f", &new, "-t", &at("base:v1")]);
    let shown = sandbox.stdout(&["rebase", &at("app:v1")]);
    assert_eq!(
        shown,
        format!("{}@{}\n", at("app"), registry.digest("app:v1").expect("pushed"))
    );
    let exported = sandbox
        .command(&["export", &at("app:v1")])
        .output()
        .expect("crane starts")
        .stdout;
    assert_eq!(listed(&exported), ["top", "new"]);
    let annotations = manifest(&sandbox, &at("app:v1"))["annotations"].clone();
    assert_eq!(annotations["org.opencontainers.image.base.name"], at("base:v1"));
    assert_eq!(
        annotations["org.opencontainers.image.base.digest"].as_str(),
        registry.digest("base:v1").as_deref()
    );

    assert_snapshot!(sandbox.crane(&["rebase", &at("base:v1")]), @"
    exit 1
    -- stderr
    Error: could not determine new base image from annotations
    ");
    let itself = [
        "rebase",
        &at("app:v1"),
        "--old_base",
        &at("app:v1"),
        "--new_base",
        &at("base:v1"),
        "-t",
        &at("app:v2"),
    ];
    // The digests follow from the name of the base, which has the port in it.
    let shown = sandbox.crane(&itself);
    assert!(
        shown.starts_with("exit 0\n-- stdout\n[host]/app@sha256:"),
        "{shown}"
    );
    assert_eq!(shown.matches("mounted blob: sha256:").count(), 1, "{shown}");
    let none = [
        "rebase",
        &at("base:v1"),
        "--old_base",
        &at("app:v1"),
        "--new_base",
        &at("base:v1"),
    ];
    let shown = sandbox.crane(&none);
    assert!(
        shown.starts_with("exit 1\n-- stderr\nError: image sha256:"),
        "{shown}"
    );
    assert!(shown.trim_end().ends_with(" (too few layers)"), "{shown}");
}

#[test]
fn validate_passes_and_fails() {
    let (registry, sandbox) = start();
    put_files(&registry, &sandbox, "files:v1", &[("a/one", "1")]);
    registry.put_index("multi:v1", &index());
    let files = registry.at("files:v1");
    assert_snapshot!(sandbox.crane(&["validate", "--remote", &files]), @"
    exit 0
    -- stdout
    PASS: [host]/files:v1
    ");
    registry.requests();
    assert_snapshot!(sandbox.crane(&["validate", "--fast", "--remote", &files]), @"
    exit 0
    -- stdout
    PASS: [host]/files:v1
    ");
    assert_snapshot!(registry.requests().iter().map(|line| shortened(line)).collect::<Vec<_>>().join("\n"), @"
    GET /v2/files/manifests/v1 200
    GET /v2/files/blobs/[digest] 200
    HEAD /v2/files/blobs/[digest] 200
    ");
    assert_snapshot!(sandbox.crane(&["validate"]), @"
    exit 1
    -- stderr
    Error: nothing to validate: give --tarball or --remote
    ");
    assert_snapshot!(sandbox.crane(&["validate", "--remote", &registry.at("files:none")]), @"
    exit 1
    -- stderr
    Error: failed to read image [host]/files:none: fetching manifest [host]/files:none: GET http://[host]/v2/files/manifests/none: MANIFEST_UNKNOWN: no manifest none in files
    ");

    sandbox.stdout(&["pull", "--format=oci", &files, "layout"]);
    assert_snapshot!(sandbox.crane(&["validate", "--remote", "oci:layout"]), @"
    exit 0
    -- stdout
    PASS: oci:layout
    ");
    let blobs = sandbox.path("layout/blobs/sha256");
    let largest = std::fs::read_dir(blobs)
        .expect("blobs")
        .map(|entry| entry.expect("entry").path());
    for path in largest {
        let mut bytes = read(&path);
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(path, bytes).expect("file");
        }
    }
    let shown = sandbox.crane(&["validate", "--remote", "oci:layout"]);
    assert!(
        shown.starts_with("exit 1\n-- stdout\nFAIL: oci:layout: "),
        "{shown}"
    );
    assert!(shown.contains("-- stderr\nError: "), "{shown}");
}

/// Without digests, which come of compression.
fn shortened(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    if let Some((before, _)) = words[1].split_once("sha256:") {
        words[1] = format!("{before}[digest]");
    }
    words.join(" ")
}

#[test]
fn layout_gc_removes_what_nothing_needs() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    sandbox.stdout(&["pull", "--format=oci", &registry.at("app:v1"), "layout"]);
    let stray = format!("layout/blobs/sha256/{:0>64}", 1);
    std::fs::write(sandbox.path(&stray), "x").expect("file");
    assert_snapshot!(sandbox.crane(&["layout", "gc", "--dry-run", "layout"]), @"
    exit 0
    -- stderr
    [time] would garbage collect: sha256:0000000000000000000000000000000000000000000000000000000000000001
    ");
    assert!(sandbox.path(&stray).exists());
    assert_snapshot!(sandbox.crane(&["layout", "gc", "layout"]), @"
    exit 0
    -- stderr
    [time] garbage collecting: sha256:0000000000000000000000000000000000000000000000000000000000000001
    ");
    assert!(!sandbox.path(&stray).exists());
    assert_snapshot!(sandbox.crane(&["layout", "gc", "nowhere"]), @"
    exit 1
    -- stderr
    Error: loading nowhere as OCI layout: open nowhere/index.json: No such file or directory (os error 2)
    ");
}
