//! What a copy moves, told before and after; parts of an index; tags.

use insta::assert_snapshot;
use serde_json::{Value, json};
use wharf::registry::{Options, References, Registry};

use crate::fixture::{image, index};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn start() -> (TestRegistry, TestRegistry, Sandbox) {
    let (registry, other) = (TestRegistry::start(), TestRegistry::start());
    let sandbox = Sandbox::new()
        .hide(registry.host.clone(), "[host]")
        .hide(other.host.clone(), "[other]");
    registry.put_image("app:v1", &image());
    registry.put_index("multi:v1", &index());
    (registry, other, sandbox)
}

fn json(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    serde_json::from_str(&sandbox.stdout(arguments)).expect("JSON")
}

#[test]
fn a_dry_run_says_what_would_be_copied() {
    let (registry, other, sandbox) = start();
    let (multi, copied) = (registry.at("multi:v1"), other.at("multi:v1"));
    assert_snapshot!(sandbox.crane(&["copy", "--dry-run", &multi, &copied]), @"
    exit 0
    -- stdout
    Digest:        sha256:957814b446d1d4333e609a9fe53cc4d53347cbcb314e711d854b922c5f25f336
    Manifests:     4, 1.96 kB
    To send:       6, 7.14 kB
    To mount:      0, 0 B
    There:         0, 0 B
    Left out:      0, 0 B
    ");
    let writes = other
        .requests()
        .into_iter()
        .filter(|line| !line.starts_with("HEAD "));
    assert_eq!(writes.count(), 0);
    assert_eq!(other.digest("multi:v1"), None);

    let planned = json(&sandbox, &["copy", "--dry-run", "--json", &multi, &copied]);
    let mut done = json(&sandbox, &["copy", "--json", &multi, &copied]);
    done["report"]["requests"] = planned["report"]["requests"].clone();
    assert_eq!(planned, done);
    assert_snapshot!(sandbox.crane(&["copy", "--dry-run", &multi, &copied]), @"
    exit 0
    -- stdout
    Digest:        sha256:957814b446d1d4333e609a9fe53cc4d53347cbcb314e711d854b922c5f25f336
    Manifests:     0, 0 B
    To send:       0, 0 B
    To mount:      0, 0 B
    There:         1, 771 B
    Left out:      0, 0 B
    -- stderr
    [time] existing manifest: v1@sha256:957814b446d1d4333e609a9fe53cc4d53347cbcb314e711d854b922c5f25f336
    ");
    assert_snapshot!(sandbox.crane(&["copy", "--dry-run", "-n", &multi, &copied]), @"
    exit 1
    -- stderr
    Error: refusing to clobber existing tag [other]/multi:v1@sha256:957814b446d1d4333e609a9fe53cc4d53347cbcb314e711d854b922c5f25f336
    ");
    assert_snapshot!(sandbox.crane(&["copy", "--dry-run", &multi, "oci:dir"]), @"
    exit 1
    -- stderr
    Error: --dry-run is for copies from registry to registry
    ");
    assert_snapshot!(sandbox.crane(&["copy", "--dry-run", "-a", &multi, &copied]), @"
    exit 1
    -- stderr
    Error: if any flags in the group [dry-run all-tags] are set none of the others can be; [all-tags dry-run] were all set
    ");
    assert_eq!(sandbox.list(), [""; 0]);
}

#[test]
fn a_report_says_what_was_copied() {
    let (registry, other, sandbox) = start();
    let (app, copied) = (registry.at("app:v1"), other.at("app:v1"));
    let report = |from: &str, to: &str| json(&sandbox, &["copy", "--json", from, to])["report"].clone();
    assert_snapshot!(report(&app, &copied).to_string(), @r#"{"manifests":{"bytes":547,"count":1},"mounted":{"bytes":0,"count":0},"moved":{"bytes":5652,"count":3},"present":{"bytes":0,"count":0},"requests":12,"skipped":{"bytes":0,"count":0}}"#);
    let none = json!({"count": 0, "bytes": 0});
    let again = report(&app, &copied);
    assert_eq!((&again["moved"], &again["present"]["count"]), (&none, &json!(1)));
    let mounted = report(&copied, &other.at("team/app:v1"));
    assert_eq!(
        (&mounted["moved"], &mounted["mounted"]["count"]),
        (&none, &json!(3))
    );
    sandbox.stdout(&["tag", &app, "v2"]);
    let all = json(
        &sandbox,
        &["copy", "--json", "-aj1", &registry.at("app"), &other.at("all")],
    );
    assert_eq!(all["report"]["manifests"]["count"], 2);
    assert_eq!(all["report"]["moved"]["bytes"], 5652);
    assert!(json(&sandbox, &["copy", "--json", &app, "oci:dir"])["report"].is_null());
}

#[test]
fn a_sparse_copy_keeps_the_digest() {
    let (registry, _, sandbox) = start();
    let options = Options::default().with_references(References::MayBeMissing);
    let other = TestRegistry::serve(Registry::builder().options(options).build());
    let sandbox = sandbox.hide(other.host.clone(), "[other]");
    let (multi, copied) = (registry.at("multi:v1"), other.at("multi:v1"));
    sandbox.stdout(&["copy", "--sparse", "--platform=linux/arm64", &multi, &copied]);
    assert_eq!(other.digest("multi:v1"), registry.digest("multi:v1"));
    sandbox.stdout(&["config", "--platform=linux/arm64", &copied]);
    let shown = sandbox.crane(&["config", "--platform=linux/amd64", &copied]);
    assert!(shown.contains("MANIFEST_UNKNOWN"), "{shown}");
    assert_snapshot!(sandbox.crane(&["copy", "--sparse", &multi, &copied]), @"
    exit 1
    -- stderr
    Error: --sparse needs --platform, with the platforms to copy
    ");
    assert_snapshot!(sandbox.crane(&["copy", "--sparse", "--platform=linux", &multi, "oci:dir"]), @"
    exit 1
    -- stderr
    [time] Copying from [host]/multi:v1 to oci:dir
    Error: oci:dir is in no registry, and this is for copies from registry to registry
    ");
}

#[test]
fn an_image_gets_several_tags_at_once() {
    let (registry, _, sandbox) = start();
    let app = registry.at("app:v1");
    let shown = sandbox.crane(&["tag", &app, "v2", &registry.at("app:v3"), "v4"]);
    assert!(shown.starts_with("exit 0\n-- stderr\n"), "{shown}");
    assert_eq!(shown.matches(": digest: sha256:").count(), 3, "{shown}");
    let requests = registry.requests();
    assert_eq!(requests.len(), 4, "{requests:?}");
    for tag in ["app:v2", "app:v3", "app:v4"] {
        assert_eq!(registry.digest(tag), registry.digest("app:v1"));
    }
    registry.requests();
    // Nothing is written unless all can be.
    let shown = sandbox.crane(&["tag", &app, "v5", "!bad!"]);
    assert!(shown.starts_with("exit 1\n"), "{shown}");
    let shown = sandbox.crane(&["tag", &app, "v5", &registry.at("other:v5")]);
    assert!(shown.ends_with("other:v5 is of another repository\n"), "{shown}");
    assert_eq!(registry.requests(), [""; 0]);
    assert_snapshot!(sandbox.crane(&["tag", &app]), @"
    exit 1
    -- stderr
    Error: requires at least 2 arg(s), only received 1
    ");

    sandbox.stdout(&["copy", &app, "oci:dir"]);
    sandbox.stdout(&["tag", "oci:dir", "a", "b"]);
    assert_eq!(sandbox.stdout(&["ls", "oci:dir"]), "a\nb\n");
}
