//! Files of images: ls-files, cat, diff.

use insta::assert_snapshot;
use serde_json::Value;

use crate::fixture::packed;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

/// Two images of directories that differ a little.
fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    for (name, text) in [("one", "hello\n"), ("two", "world!\n")] {
        let root = sandbox.path(name);
        std::fs::create_dir_all(root.join("etc")).expect("directory");
        std::fs::write(root.join("etc/motd"), text).expect("file");
        std::fs::write(root.join("etc/same"), "same\n").expect("file");
        std::fs::write(root.join(format!("only-{name}")), "").expect("file");
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt as _, symlink};
            symlink("etc/motd", root.join("link")).expect("link");
            for (path, mode) in [("etc", 0o755), ("etc/motd", 0o644), ("etc/same", 0o644)] {
                std::fs::set_permissions(root.join(path), std::fs::Permissions::from_mode(mode))
                    .expect("mode");
            }
            let only = root.join(format!("only-{name}"));
            std::fs::set_permissions(only, std::fs::Permissions::from_mode(0o4755)).expect("mode");
        }
        let image = registry.run(packed(&root, "amd64"));
        registry.put_image(&format!("app:{name}"), &image);
    }
    (registry, sandbox)
}

#[cfg(unix)]
#[test]
fn listing() {
    let (registry, sandbox) = start();
    let app = registry.at("app:one");
    assert_snapshot!(sandbox.crane(&["ls-files", &app]), @"
    exit 0
    -- stdout
    etc
    etc/motd
    etc/same
    link
    only-one
    ");
    assert_snapshot!(sandbox.stdout(&["ls-files", &app, "/etc/"]), @"
    etc
    etc/motd
    etc/same
    ");
    let long = sandbox.stdout(&["ls-files", "-l", &app]);
    assert!(
        long.lines()
            .any(|line| line.starts_with("-rw-r--r-- 0/0") && line.ends_with(" etc/motd")),
        "{long}"
    );
    assert!(
        long.lines()
            .any(|line| line.starts_with("lrwxrwxrwx ") && line.ends_with(" link -> etc/motd")),
        "{long}"
    );
    let json: Value =
        serde_json::from_str(&sandbox.stdout(&["ls-files", "--json", &app, "etc/motd"])).expect("JSON");
    assert_eq!(json[0]["path"], "etc/motd");
    assert_eq!(json[0]["kind"], "file");
    assert_eq!(json[0]["size"], 6);
    assert_eq!(json[0]["mode"], "0644");
    assert_snapshot!(sandbox.crane(&["ls-files", &app, "etc/mot"]), @r#"
    exit 1
    -- stderr
    Error: "etc/mot" is not there
    "#);
    assert_snapshot!(sandbox.crane(&["ls-files", &registry.at("app:nope")]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:nope: GET http://[host]/v2/app/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in app
    ");
}

#[test]
fn reading() {
    let (registry, sandbox) = start();
    let app = registry.at("app:one");
    assert_eq!(sandbox.stdout(&["cat", &app, "/etc/motd"]), "hello\n");
    #[cfg(unix)]
    assert_eq!(sandbox.stdout(&["cat", &app, "link"]), "hello\n");
    sandbox.stdout(&["copy", &app, "oci:dir"]);
    assert_eq!(sandbox.stdout(&["cat", "oci:dir", "etc/same"]), "same\n");
    assert_snapshot!(sandbox.crane(&["cat", &app, "etc"]), @r#"
    exit 1
    -- stderr
    Error: reading files: "etc" is no regular file
    "#);
    assert_snapshot!(sandbox.crane(&["cat", &app, "../../etc/passwd"]), @r#"
    exit 1
    -- stderr
    Error: reading files: "../../etc/passwd" is not there
    "#);
}

#[cfg(unix)]
#[test]
fn differing() {
    let (registry, sandbox) = start();
    let (one, two) = (registry.at("app:one"), registry.at("app:two"));
    let shown = sandbox.crane(&["diff", "--files", &one, &two]);
    let lines: Vec<&str> = shown.lines().filter(|line| !line.contains("layer 0")).collect();
    assert_snapshot!(lines.join("\n"), @"
    exit 0
    -- stdout
    ~ etc/motd (content)
    - only-one
    + only-two
    ");
    assert_eq!(shown.matches("layer 0 sha256:").count(), 2, "{shown}");
    let json: Value =
        serde_json::from_str(&sandbox.stdout(&["diff", "--files", "--json", &one, &two])).expect("JSON");
    assert_eq!(json["files"][0]["side"], "changed");
    assert_eq!(json["files"][0]["what"][0], "content");
    assert_eq!(json["layers"][0]["side"], "removed");

    assert_snapshot!(sandbox.crane(&["diff", "--files", "--exit-code", &one, &one]), @"exit 0");
    assert!(
        sandbox
            .crane(&["diff", "--exit-code", &one, &two])
            .starts_with("exit 1\n-- stdout\n")
    );
    let labelled = registry.at("app:labelled");
    sandbox.stdout(&[
        "mutate",
        &one,
        "--label",
        "new=1",
        "--entrypoint=/bin/sh",
        "-t",
        &labelled,
    ]);
    assert_snapshot!(sandbox.crane(&["diff", &one, &labelled]), @r#"
    exit 0
    -- stdout
    + config.config.Labels.new: 1
    + config.config.Entrypoint: ["/bin/sh"]
    "#);
    assert_snapshot!(sandbox.crane(&["diff", &one, &registry.at("app:nope")]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:nope: GET http://[host]/v2/app/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in app
    ");
}
