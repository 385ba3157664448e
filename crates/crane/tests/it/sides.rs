//! Options of one side of a copy, and silence.

use insta::assert_snapshot;
use wharf::registry::Registry;
use wharf::registry::auth::{Authentication, Basic, Bearer, Users};

use crate::certs::Front;
use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn sandbox(registry: &TestRegistry, other: &TestRegistry) -> Sandbox {
    Sandbox::new()
        .hide(registry.host.clone(), "[host]")
        .hide(other.host.clone(), "[other]")
}

/// A registry that only one user may use.
fn of_user(name: &str, password: &str) -> TestRegistry {
    let users = Users::new().with(name, password);
    let authentication = Authentication::Basic(Basic::new(users));
    TestRegistry::serve(Registry::builder().authentication(authentication).build())
}

#[test]
fn each_side_has_credentials_of_its_own() {
    let (registry, other) = (of_user("alice", "a:b"), of_user("bob", "secret"));
    let sandbox = sandbox(&registry, &other);
    let open = TestRegistry::start();
    open.put_image("app:v1", &image());
    let (open, app, copied) = (open.at("app:v1"), registry.at("app:v1"), other.at("app:v1"));
    sandbox.stdout(&["copy", "--dest-creds=alice:a:b", &open, &app]);
    assert!(
        sandbox
            .crane(&["copy", "--src-creds=alice:a:b", &app, &copied])
            .contains("UNAUTHORIZED")
    );
    std::fs::write(sandbox.path("creds"), "bob:secret\n").expect("file");
    let arguments = [
        "copy",
        "--src-creds",
        "alice:a:b",
        "--dest-creds",
        "@creds",
        &app,
        &copied,
    ];
    let shown = sandbox.crane(&arguments);
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");

    assert_snapshot!(sandbox.crane(&["copy", "--src-creds=alice", &app, &copied]), @"
    exit 1
    -- stderr
    Error: credentials must be USER:PASSWORD
    ");
    assert_snapshot!(sandbox.crane(&["copy", "--src-creds=@nope", &app, &copied]), @"
    exit 1
    -- stderr
    Error: reading nope: No such file or directory (os error 2)
    ");
    assert_snapshot!(sandbox.crane(&["copy", "--dest-plain-http", &app, "oci:dir"]), @"
    exit 1
    -- stderr
    Error: a side that is no registry has no such options
    ");
    assert_snapshot!(sandbox.crane(&["copy", "--src-cert=a.pem", &app, &copied]), @r#"
    exit 1
    -- stderr
    Error: required flag(s) "src-key" not set
    "#);
}

#[test]
fn two_repositories_of_a_registry_can_have_two_users() {
    let users = Users::new().with("alice", "a").with("bob", "b");
    let authentication = Authentication::Bearer(Bearer::new(users));
    let registry = TestRegistry::serve(Registry::builder().authentication(authentication).build());
    let open = TestRegistry::start();
    open.put_image("app:v1", &image());
    let sandbox = sandbox(&registry, &open);
    let (one, two) = (registry.at("one:v1"), registry.at("two:v1"));
    sandbox.stdout(&["copy", "--dest-creds=alice:a", &open.at("app:v1"), &one]);
    sandbox.stdout(&["copy", "--src-creds=alice:a", "--dest-creds=bob:b", &one, &two]);
    // What is said of one side is not used for the other.
    let shown = sandbox.crane(&["copy", "--src-creds=alice:a", &one, &registry.at("three:v1")]);
    assert!(shown.starts_with("exit 1\n"), "{shown}");
}

#[test]
fn an_authority_is_trusted_for_one_side() {
    let (registry, other) = (TestRegistry::start(), TestRegistry::start());
    let front = Front::of(&other);
    registry.put_image("app:v1", &image());
    let sandbox = sandbox(&registry, &other).hide(front.host.clone(), "[front]");
    std::fs::write(sandbox.path("ca.pem"), &front.certificate).expect("file");
    let (app, copied) = (registry.at("app:v1"), format!("{}/app:v1", front.host));
    assert!(sandbox.crane(&["copy", &app, &copied]).starts_with("exit 1\n"));
    sandbox.stdout(&["copy", "--dest-ca=ca.pem", &app, &copied]);
    sandbox.stdout(&["copy", "--src-skip-verify", &copied, &registry.at("back:v1")]);
    assert_eq!(registry.digest("back:v1"), other.digest("app:v1"));
    assert_snapshot!(sandbox.crane(&["copy", "--dest-ca=nope.pem", &app, &copied]), @"
    exit 1
    -- stderr
    Error: reading nope.pem: No such file or directory (os error 2)
    ");
}

#[test]
fn silence() {
    let (registry, other) = (TestRegistry::start(), TestRegistry::start());
    registry.put_image("app:v1", &image());
    let sandbox = sandbox(&registry, &other);
    assert_snapshot!(sandbox.crane(&["copy", "--quiet", &registry.at("app:v1"), &other.at("app:v1")]), @"exit 0");
    assert!(other.digest("app:v1").is_some());
    // Errors are told all the same.
    assert_snapshot!(sandbox.crane(&["-q", "copy", &registry.at("app:v2"), &other.at("app:v2")]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:v2: GET http://[host]/v2/app/manifests/v2: MANIFEST_UNKNOWN: no manifest v2 in app
    ");
}
