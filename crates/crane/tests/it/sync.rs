//! Repositories kept the same, and what goes along with an image.

use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::Value;
use wharf::registry::Registry;
use wharf::registry::auth::{Authentication, Basic, Users};
use wharf::registry::hook::{Fault, Reaction};

use crate::fixture::{image, index, other_image};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn start() -> (TestRegistry, TestRegistry, Sandbox) {
    let (registry, other) = (TestRegistry::start(), TestRegistry::start());
    let sandbox = Sandbox::new()
        .hide(registry.host.clone(), "[host]")
        .hide(other.host.clone(), "[other]");
    std::fs::write(sandbox.path("sbom.json"), "{}\n").expect("file");
    (registry, other, sandbox)
}

fn rules(sandbox: &Sandbox, text: &str) {
    std::fs::write(sandbox.path("rules.yaml"), text).expect("file");
}

/// What is on standard output.
fn lines(sandbox: &Sandbox, registry: &TestRegistry, other: &TestRegistry, arguments: &[&str]) -> String {
    let shown = sandbox.stdout(arguments);
    shown
        .replace(&registry.host, "[host]")
        .replace(&other.host, "[other]")
}

#[test]
fn tags_that_match_are_copied_once() {
    let (registry, other, sandbox) = start();
    registry.put_image("app:v1.0", &image());
    registry.put_image("app:v1.1-rc1", &image());
    registry.put_index("app:v1.2", &index());
    registry.put_image("app:v2.0", &other_image());
    rules(
        &sandbox,
        &format!(
            "sync:\n- source: {}\n  target: {}\n  tags:\n    include: ['v1.*']\n    exclude: ['*-rc*']\n",
            registry.at("app"),
            other.at("mirror/app"),
        ),
    );
    assert_snapshot!(lines(&sandbox, &registry, &other, &["sync", "--dry-run", "rules.yaml"]), @"
    would copy [host]/app:v1.0 [other]/mirror/app:v1.0
    would copy [host]/app:v1.2 [other]/mirror/app:v1.2
    ");
    assert_eq!(other.digest("mirror/app:v1.0"), None);
    assert_snapshot!(lines(&sandbox, &registry, &other, &["sync", "rules.yaml"]), @"
    copied [host]/app:v1.0 [other]/mirror/app:v1.0
    copied [host]/app:v1.2 [other]/mirror/app:v1.2
    ");
    assert_eq!(other.digest("mirror/app:v1.2"), registry.digest("app:v1.2"));
    assert_eq!(other.digest("mirror/app:v2.0"), None);

    registry.put_image("app:v1.0", &other_image());
    other.requests();
    assert_snapshot!(lines(&sandbox, &registry, &other, &["sync", "rules.yaml", "--json"]), @r#"
    [
      {
        "source": "[host]/app:v1.0",
        "target": "[other]/mirror/app:v1.0",
        "outcome": "copied"
      },
      {
        "source": "[host]/app:v1.2",
        "target": "[other]/mirror/app:v1.2",
        "outcome": "same"
      }
    ]
    "#);
    // What is the same costs one question.
    let asked = other.requests();
    assert_eq!(
        asked.iter().filter(|line| line.contains("v1.2")).count(),
        1,
        "{asked:?}"
    );
}

#[test]
fn failures_end_it_unless_it_keeps_going() {
    let (registry, other, sandbox) = start();
    registry.put_image("app:v1", &image());
    rules(
        &sandbox,
        &format!(
            "sync:\n- {{source: {}, target: {}}}\n- {{source: {}, target: {}}}\n",
            registry.at("none"),
            other.at("none"),
            registry.at("app"),
            other.at("app"),
        ),
    );
    assert_snapshot!(sandbox.crane(&["sync", "rules.yaml"]), @"
    exit 1
    -- stdout
    failed [host]/none [other]/none
    -- stderr
    [time] failed to copy [host]/none: reading tags for [host]/none: GET http://[host]/v2/none/tags/list?n=1000: NAME_UNKNOWN: no repository none
    Error: 1 of 1 failed
    ");
    assert_eq!(other.digest("app:v1"), None);
    let shown = sandbox.crane(&["sync", "--keep-going", "--json", "rules.yaml"]);
    assert!(shown.starts_with("exit 1\n"), "{shown}");
    assert!(shown.contains("\"outcome\": \"copied\""), "{shown}");
    assert!(other.digest("app:v1").is_some());

    assert_snapshot!(sandbox.crane(&["sync", "nowhere.yaml"]), @"
    exit 1
    -- stderr
    Error: reading nowhere.yaml: No such file or directory (os error 2)
    ");
    rules(&sandbox, "sync:\n- {source: a.io/b, tag: x}\n");
    assert!(
        sandbox
            .crane(&["sync", "rules.yaml"])
            .starts_with("exit 1\n-- stderr\nError: reading rules.yaml: ")
    );
}

#[test]
fn tags_can_be_kept() {
    let (registry, other, sandbox) = start();
    registry.put_image("app:v1", &image());
    let kept = other.put_image("app:v1", &other_image());
    rules(
        &sandbox,
        &format!(
            "sync:\n- {{source: {}, target: {}, keep: true}}\n",
            registry.at("app"),
            other.at("app")
        ),
    );
    assert_snapshot!(lines(&sandbox, &registry, &other, &["sync", "rules.yaml"]), @"kept [host]/app:v1 [other]/app:v1");
    assert_eq!(other.digest("app:v1"), Some(kept));
}

#[test]
fn referrers_go_along() {
    let (registry, other, sandbox) = start();
    let digest = registry.put_index("app:v1", &index());
    let app = registry.at("app:v1");
    let of_index = sandbox.stdout(&["attach", &app, "sbom.json", "--artifact-type=a/sbom"]);
    sandbox.stdout(&[
        "attach",
        of_index.trim_end(),
        "sbom.json",
        "--artifact-type=a/signature",
    ]);
    sandbox.stdout(&[
        "attach",
        &app,
        "--platform=linux/arm64",
        "sbom.json",
        "--artifact-type=a/child",
    ]);
    sandbox.stdout(&["copy", &app, &other.at("plain:v1")]);
    assert_eq!(sandbox.stdout(&["referrers", &other.at("plain:v1")]), "");
    sandbox.stdout(&["copy", "--referrers", &app, &other.at("app:v1")]);
    assert_eq!(other.digest("app:v1"), Some(digest));
    sandbox.stdout(&["copy", "--referrers", &app, "oci:dir:v1"]);
    sandbox.stdout(&["copy", "--referrers", "oci:dir:v1", &other.at("again:v1")]);
    let tree = |place: &str| {
        let json: Value = serde_json::from_str(&sandbox.stdout(&["tree", "--json", place])).expect("JSON");
        json
    };
    let want = tree(&app);
    assert_eq!(want.to_string().matches("a/child").count(), 1);
    for place in [other.at("app:v1"), "oci:dir:v1".to_owned(), other.at("again:v1")] {
        assert_eq!(tree(&place), want, "{place}");
    }
    assert_snapshot!(sandbox.crane(&["copy", "--referrers", &app, "oci-archive:a.tar"]), @"
    exit 1
    -- stderr
    [time] Copying from [host]/app:v1 to oci-archive:a.tar
    Error: oci-archive:a.tar cannot be added to: use a layout in a directory (oci:DIRECTORY)
    ");
}

#[test]
fn digest_tags_go_along() {
    let (registry, other, sandbox) = start();
    let digest = registry.put_image("app:v1", &image()).replace(':', "-");
    registry.put_image(&format!("app:{digest}.sig"), &other_image());
    registry.put_image("app:sha256-0000.sig", &other_image());
    sandbox.stdout(&[
        "copy",
        "--digest-tags",
        &registry.at("app:v1"),
        &other.at("app:v1"),
    ]);
    assert_eq!(
        sandbox.stdout(&["ls", &other.at("app")]),
        format!("{digest}.sig\nv1\n")
    );
}

#[test]
fn all_repositories_that_match() {
    let (registry, other, sandbox) = start();
    for name in ["team/app:v1", "team/deep/tool:v1", "else/app:v1", "team/app:v2"] {
        registry.put_image(name, &image());
    }
    rules(
        &sandbox,
        &format!(
            "sync:\n- source: {}/team/*\n  target: {}/copies/here\n- source: {}/*/app\n  target: {}\n  tags: {{include: [v1]}}\n",
            registry.host, other.host, registry.host, other.host,
        ),
    );
    assert_snapshot!(lines(&sandbox, &registry, &other, &["sync", "rules.yaml"]), @"
    copied [host]/team/app:v1 [other]/copies/here/team/app:v1
    copied [host]/team/app:v2 [other]/copies/here/team/app:v2
    copied [host]/team/deep/tool:v1 [other]/copies/here/team/deep/tool:v1
    copied [host]/else/app:v1 [other]/else/app:v1
    copied [host]/team/app:v1 [other]/team/app:v1
    ");
    assert_eq!(
        other.digest("copies/here/team/deep/tool:v1"),
        registry.digest("team/deep/tool:v1")
    );
    // A registry that does not tell what it has.
    let fault = Fault::on(Method::GET, "/_catalog").then(Reaction::status(StatusCode::FORBIDDEN));
    registry.registry.faults().add(fault);
    assert_snapshot!(sandbox.crane(&["sync", "--keep-going", "rules.yaml"]), @"
    exit 1
    -- stdout
    failed [host]/team/* [other]/copies/here
    failed [host]/*/app [other]
    -- stderr
    [time] failed to copy [host]/team/*: reading catalog of [host]: GET http://[host]/v2/_catalog?n=1000: DENIED: as the test wants it
    [time] failed to copy [host]/*/app: reading catalog of [host]: GET http://[host]/v2/_catalog?n=1000: DENIED: as the test wants it
    Error: 2 of 2 failed
    ");
}

#[test]
fn options_of_one_registry_are_for_other_commands() {
    let (registry, other, sandbox) = start();
    let rule = format!(
        "sync: [{{source: {}, target: {}}}]",
        registry.at("app"),
        other.at("app")
    );
    rules(&sandbox, &rule);
    assert_snapshot!(sandbox.crane(&["sync", "--creds=a:b", "rules.yaml"]), @"
    exit 1
    -- stderr
    Error: options of the registry are for one: say those of each side apart (--src-creds, --dest-ca …)
    ");
}

#[test]
fn each_side_is_told_of_apart() {
    let of_user = |name: &str| {
        let users = Users::new().with(name, "secret");
        TestRegistry::serve(
            Registry::builder()
                .authentication(Authentication::Basic(Basic::new(users)))
                .build(),
        )
    };
    let (registry, other) = (of_user("alice"), of_user("bob"));
    let (open, _, sandbox) = start();
    open.put_image("app:v1", &image());
    let app = registry.at("team/app:v1");
    sandbox.stdout(&["copy", "--dest-creds=alice:secret", &open.at("app:v1"), &app]);
    let sides = [
        "sync",
        "--src-creds=alice:secret",
        "--dest-creds=bob:secret",
        "rules.yaml",
    ];
    for (source, target) in [("team/app", "/team/app"), ("team/*", "")] {
        rules(
            &sandbox,
            &format!(
                "sync:\n- source: {}/{source}\n  target: {}{target}\n",
                registry.host, other.host
            ),
        );
        assert!(sandbox.crane(&["sync", "rules.yaml"]).starts_with("exit 1"));
        let shown = sandbox.stdout(&sides);
        assert!(shown.contains("team/app:v1"), "{shown}");
    }
}
