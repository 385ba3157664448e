//! Reading from elsewhere, where the user says so.

use insta::assert_snapshot;

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

/// A registry without anything, its mirror with an image, and rules that say so in both forms.
struct Place {
    upstream: TestRegistry,
    mirror: TestRegistry,
    digest: String,
    sandbox: Sandbox,
}

const CONF: &str = "registries.conf";
const HOSTS: &str = "hosts.d";

impl Place {
    fn new() -> Self {
        let (upstream, mirror) = (TestRegistry::start(), TestRegistry::start());
        let digest = mirror.put_image("app:v1", &image());
        let sandbox = Sandbox::new()
            .hide(upstream.host.clone(), "[upstream]")
            .hide(mirror.host.clone(), "[mirror]");
        let (from, to) = (&upstream.host, &mirror.host);
        let conf = format!(
            "[[registry]]\nlocation = \"{from}\"\n[[registry.mirror]]\nlocation = \"{to}\"\ninsecure = true\n"
        );
        std::fs::write(sandbox.path(CONF), conf).expect("a file");
        let folder = sandbox.path(HOSTS).join(from);
        std::fs::create_dir_all(&folder).expect("a folder");
        let hosts = format!(
            "server = \"http://{from}\"\n[host.\"http://{to}\"]\ncapabilities = [\"pull\", \"resolve\"]\n"
        );
        std::fs::write(folder.join("hosts.toml"), hosts).expect("a file");
        Self {
            upstream,
            mirror,
            digest,
            sandbox,
        }
    }
}

#[test]
fn a_flag_or_the_environment_names_the_rules() {
    let place = Place::new();
    let (app, want) = (place.upstream.at("app:v1"), format!("{}\n", place.digest));
    for rules in [CONF, HOSTS] {
        let flag = place.sandbox.stdout(&["digest", &app, "--mirrors", rules]);
        assert_eq!(flag, want, "{rules}");
        let mut command = place.sandbox.command(&["digest", &app]);
        let output = command
            .env("CRANE_MIRRORS", rules)
            .output()
            .expect("crane starts");
        assert_eq!(String::from_utf8_lossy(&output.stdout), want, "{rules}");
    }
    assert_eq!(place.upstream.requests(), [""; 0], "the mirror had it");
}

#[test]
fn what_others_are_set_up_with_is_left_alone() {
    let place = Place::new();
    let home = place.sandbox.path(".config/containers");
    std::fs::create_dir_all(&home).expect("a folder");
    std::fs::copy(place.sandbox.path(CONF), home.join(CONF)).expect("a file");
    let mut command = place.sandbox.command(&["digest", &place.upstream.at("app:v1")]);
    let command = command.env("CONTAINERS_REGISTRIES_CONF", CONF);
    assert_snapshot!(place.sandbox.show(&command.output().expect("crane starts")), @"
    exit 1
    -- stderr
    Error: checking manifest [upstream]/app:v1: HEAD http://[upstream]/v2/app/manifests/v1: MANIFEST_UNKNOWN: no manifest v1 in app
    ");
    assert_eq!(place.mirror.requests(), [""; 0]);
}

#[test]
fn what_is_written_goes_to_the_registry_itself() {
    let place = Place::new();
    for rules in [CONF, HOSTS] {
        // The mirror has all of it: neither its tag nor its blobs are a reason to leave anything out.
        let tag = format!("other:{rules}");
        let (from, to) = (place.upstream.at("app:v1"), place.upstream.at(&tag));
        place.sandbox.stdout(&["copy", "--mirrors", rules, &from, &to]);
        assert_eq!(place.upstream.digest(&tag).as_ref(), Some(&place.digest));
        assert_eq!(place.mirror.digest(&tag), None);
    }
    let pulled = place
        .sandbox
        .crane(&["pull", &place.upstream.at("other:registries.conf"), "app.tar"]);
    assert!(pulled.starts_with("exit 0"), "{pulled}");
}

#[test]
fn rules_that_cannot_be_read_are_an_error() {
    let place = Place::new();
    let app = place.upstream.at("app:v1");
    assert_snapshot!(place.sandbox.crane(&["digest", &app, "--mirrors", "nowhere.conf"]), @"
    exit 1
    -- stderr
    Error: reading the rules for mirrors: nowhere.conf: cannot be read: No such file or directory (os error 2)
    ");
    std::fs::write(place.sandbox.path(CONF), "[[registry]]\nprefix = 7\n").expect("a file");
    assert_snapshot!(place.sandbox.crane(&["digest", &app, "--mirrors", CONF]), @"
    exit 1
    -- stderr
    Error: reading the rules for mirrors: registries.conf, line 2, registry[0].prefix: must be a string, and is a value of type integer
    ");
    std::fs::write(
        place.sandbox.path(CONF),
        format!(
            "[[registry]]\nlocation = \"{}\"\nblocked = true\n",
            place.upstream.host
        ),
    )
    .expect("a file");
    assert_snapshot!(place.sandbox.crane(&["digest", &app, "--mirrors", CONF]), @"
    exit 1
    -- stderr
    Error: checking manifest [upstream]/app:v1: [upstream]/app is blocked by the rule for [upstream]
    ");
}
