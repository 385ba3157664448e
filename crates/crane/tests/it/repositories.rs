//! Whole repositories copied.

use http::{Method, StatusCode};
use insta::assert_snapshot;
use wharf::registry::hook::{Fault, Reaction};

use crate::fixture::{image, other_image};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn start() -> (TestRegistry, TestRegistry, Sandbox) {
    let (registry, other) = (TestRegistry::start(), TestRegistry::start());
    let sandbox = Sandbox::new()
        .hide(registry.host.clone(), "[host]")
        .hide(other.host.clone(), "[other]");
    registry.put_image("app:v1", &image());
    registry.put_image("app:v2", &other_image());
    (registry, other, sandbox)
}

#[test]
fn referrers_go_along_with_every_tag() {
    let (registry, other, sandbox) = start();
    std::fs::write(sandbox.path("note.txt"), "a note").expect("writable");
    for tag in ["app:v1", "app:v2"] {
        sandbox.stdout(&[
            "attach",
            &registry.at(tag),
            "note.txt:text/plain",
            "--artifact-type=application/vnd.note",
        ]);
    }
    let referrers =
        |registry: &TestRegistry, tag| sandbox.stdout(&["referrers", "--json", &registry.at(tag)]);
    let copy = |extra: &[&str]| {
        let (from, to) = (registry.at("app"), other.at("app"));
        sandbox.stdout(&[&["copy", "--all-tags", &from, &to], extra].concat());
    };
    copy(&[]);
    assert_eq!(referrers(&other, "app:v1"), "[]\n");
    copy(&["--referrers"]);
    for tag in ["app:v1", "app:v2"] {
        assert_eq!(other.digest(tag), registry.digest(tag));
        assert!(referrers(&registry, tag).contains("application/vnd.note"));
        assert_eq!(referrers(&other, tag), referrers(&registry, tag));
    }
}

#[test]
fn one_failure_need_not_end_it() {
    let (registry, other, sandbox) = start();
    registry
        .registry
        .faults()
        .add(Fault::on(Method::GET, "/manifests/v1").then(Reaction::status(StatusCode::FORBIDDEN)));
    let (from, to) = (registry.at("app"), other.at("app"));
    assert_snapshot!(sandbox.crane(&["copy", "-a", "-j1", &from, &to]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:v1: GET http://[host]/v2/app/manifests/v1: DENIED: as the test wants it
    Hint: the registry may want a login, or there is no such repository
    ");
    assert_eq!(other.digest("app:v2"), None);
    let shown = sandbox.crane(&["copy", "-a", "-j1", "--keep-going", &from, &to]);
    let want = "\
[time] failed to copy to [other]/app:v1: fetching manifest [host]/app:v1: GET http://[host]/v2/app/manifests/v1: DENIED: as the test wants it
[time] copied 1 tags, kept 0, failed to copy 1
Error: 1 of 2 tags failed
";
    assert!(shown.starts_with("exit 1\n") && shown.ends_with(want), "{shown}");
    assert_eq!(other.digest("app:v2"), registry.digest("app:v2"));
    assert_snapshot!(sandbox.crane(&["copy", "-a", "-n", "-k", &from, &to]), @"
    exit 1
    -- stderr
    [time] Skipping [other]/app:v2 due to no-clobber
    [time] failed to copy to [other]/app:v1: fetching manifest [host]/app:v1: GET http://[host]/v2/app/manifests/v1: DENIED: as the test wants it
    [time] copied 0 tags, kept 1, failed to copy 1
    Error: 1 of 1 tags failed
    ");
    assert_snapshot!(sandbox.crane(&["copy", "-k", &registry.at("app:v2"), &other.at("app:v3")]), @r#"
    exit 1
    -- stderr
    Error: required flag(s) "all-tags" not set
    "#);
}

#[test]
fn all_tags_go_into_a_layout() {
    let (registry, _, sandbox) = start();
    let app = registry.at("app");
    assert_snapshot!(sandbox.crane(&["copy", "-a", &app, "oci:all"]), @"
    exit 0
    -- stderr
    [time] copied 2 tags, kept 0, failed to copy 0
    ");
    for tag in ["v1", "v2"] {
        let digest = registry.digest(&format!("app:{tag}")).expect("there");
        assert_eq!(
            sandbox.stdout(&["digest", &format!("oci:all:{tag}")]),
            format!("{digest}\n")
        );
    }
    registry.put_image("app:v2", &image());
    registry.put_image("app:v3", &image());
    assert_snapshot!(sandbox.crane(&["copy", "-a", "-n", "--json", &app, "oci:all"]), @r#"
    exit 0
    -- stdout
    {
      "copied": [
        "v3"
      ],
      "kept": [
        "v1",
        "v2"
      ],
      "failed": []
    }
    -- stderr
    [time] Skipping oci:all:v1 due to no-clobber
    [time] Skipping oci:all:v2 due to no-clobber
    [time] copied 1 tags, kept 2, failed to copy 0
    "#);
    assert_ne!(
        sandbox.stdout(&["digest", "oci:all:v2"]),
        sandbox.stdout(&["digest", &registry.at("app:v2")])
    );
    // What has the name is replaced.
    sandbox.stdout(&["copy", "-a", &app, "oci:all"]);
    assert_eq!(
        sandbox.stdout(&["digest", "oci:all:v2"]),
        sandbox.stdout(&["digest", &registry.at("app:v2")])
    );
    assert_eq!(sandbox.stdout(&["ls", "oci:all"]).lines().count(), 3);
    assert_eq!(
        sandbox.stdout(&["validate", "--remote=oci:all:v3"]),
        "PASS: oci:all:v3\n"
    );

    assert_snapshot!(sandbox.crane(&["copy", "-a", &app, "oci:all:v1"]), @"
    exit 1
    -- stderr
    Error: oci:all:v1 is no place for all tags: use oci:DIR
    ");
    assert_snapshot!(sandbox.crane(&["copy", "-a", &app, "docker-archive:file.tar"]), @"
    exit 1
    -- stderr
    Error: docker-archive:file.tar is no place for all tags: use oci:DIR
    ");
    assert_snapshot!(sandbox.crane(&["copy", "-a", "oci:all", &app]), @r#"
    exit 1
    -- stderr
    Error: parsing repo "oci:all": repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: oci:all
    "#);
    std::fs::write(sandbox.path("file"), "").expect("file");
    assert_snapshot!(sandbox.crane(&["copy", "-a", "-j1", &app, "oci:file"]), @"
    exit 1
    -- stderr
    Error: saving OCI layout file: create directory file: File exists (os error 17)
    ");
}
