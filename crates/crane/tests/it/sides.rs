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
    assert_snapshot!(sandbox.crane(&["copy", "--src-cert=a.pem", &app, &copied]), @"
    exit 1
    -- stderr
    Error: a certificate to show and its key are given together
    ");
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
    let shown = sandbox.crane(&["copy", "--src-creds=alice:wrong", &one, &two]);
    assert!(
        shown.contains("(credentials from the command line: used: a password of user \"alice\")"),
        "{shown}"
    );
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
fn a_command_about_one_registry_is_told_of_it() {
    let (registry, other) = (of_user("alice", "a:b"), TestRegistry::start());
    let front = Front::of(&registry);
    let sandbox = sandbox(&registry, &other).hide(front.host.clone(), "[front]");
    std::fs::write(sandbox.path("ca.pem"), &front.certificate).expect("file");
    std::fs::write(sandbox.path("creds"), "alice:a:b\n").expect("file");
    std::fs::create_dir(sandbox.path("root")).expect("directory");
    std::fs::write(sandbox.path("root/file"), "content").expect("file");
    let at = |name: &str| format!("{}/{name}", front.host);
    let app = at("app:v1");
    let all: [&[&str]; 12] = [
        &["append", "-f", "root", "-t", &app, "--oci-empty-base"],
        &["manifest", &app],
        &["cat", &app, "file"],
        &["ls", &at("app")],
        &["catalog", &front.host],
        &["pull", &app, "app.tar"],
        &["push", "app.tar", &at("app:v2")],
        &["tag", &app, "v3"],
        &["copy", &app, "oci:layout"],
        &["copy", &app, &at("other/app:v1")],
        &["validate", "--remote", &app],
        &["delete", &at("app:v3")],
    ];
    let told = ["--ca", "ca.pem", "--creds", "@creds"];
    for (place, arguments) in all.iter().enumerate() {
        let (before, after) = match place % 2 {
            0 => (&told[..], &[][..]),
            _ => (&[][..], &told[..]),
        };
        let shown = sandbox.crane(&[before, arguments, after].concat());
        assert!(shown.starts_with("exit 0\n"), "{arguments:?}: {shown}");
        let shown = sandbox.crane(&[&told[..2], arguments].concat());
        assert!(shown.contains("UNAUTHORIZED"), "{arguments:?}: {shown}");
        let shown = sandbox.crane(&[&told[2..], arguments].concat());
        assert!(
            shown.contains("the certificate cannot be verified"),
            "{arguments:?}: {shown}"
        );
    }
    assert_eq!(
        sandbox.stdout(&["cat", "--skip-verify", "--creds=alice:a:b", &app, "file"]),
        "content"
    );
    // A login is checked with it.
    let login = ["auth", "login", &front.host, "-u=alice", "-p=a:b"];
    assert!(sandbox.crane(&login).contains("could not be asked"));
    let shown = sandbox.crane(&[&login[..], &["--ca-file=ca.pem"]].concat());
    assert!(!shown.contains("could not be asked"), "{shown}");
}

/// What is meant for one registry goes to no other, whoever names it.
#[test]
fn options_are_for_one_registry() {
    let (registry, other) = (of_user("alice", "a"), TestRegistry::start());
    let sandbox = sandbox(&registry, &other);
    let (app, copied) = (registry.at("app:v1"), other.at("app:v1"));
    other.put_image("app:v1", &image());
    let creds = "--creds=alice:a";
    assert_snapshot!(sandbox.crane(&["copy", creds, &app, &copied]), @"
    exit 1
    -- stderr
    Error: options of the registry are for one: say those of each side apart (--src-creds, --dest-ca …)
    ");
    assert_snapshot!(sandbox.crane(&["rebase", &copied, "--new_base", &app, creds]), @"
    exit 1
    -- stderr
    Error: options of the registry are for one, and there are [other] and [host]
    ");
    assert_snapshot!(sandbox.crane(&["copy", creds, "--src-plain-http", &app, &copied]), @"
    exit 1
    -- stderr
    Error: options of the registry and of one side do not go together
    ");
    assert_snapshot!(sandbox.crane(&["copy", creds, "oci:a", "oci:b"]), @"
    exit 1
    -- stderr
    Error: no argument names the registry that options of the registry are about
    ");
    assert_snapshot!(sandbox.crane(&["manifest", "--cert=a.pem", &app]), @"
    exit 1
    -- stderr
    Error: a certificate to show and its key are given together
    ");
    assert_snapshot!(sandbox.crane(&["auth", "login", creds, &registry.host, "-u=u", "-p=p"]), @"
    exit 1
    -- stderr
    Error: --creds is not for this command
    ");
    assert_snapshot!(sandbox.crane(&["version", "--skip-verify"]), @"
    exit 0
    -- stdout
    0.1.0
    -- stderr
    [time] options of the registry have no effect on this command
    ");

    // A base that only an annotation names is in another registry.
    let annotated = other.at("app:v2");
    let base = format!("org.opencontainers.image.base.name={}", registry.at("base:v1"));
    sandbox.stdout(&["mutate", &copied, "-a", &base, "-t", &annotated]);
    let digest = format!("--old_base={copied}");
    let shown = sandbox.crane(&["rebase", &annotated, &digest, creds]);
    assert!(
        shown.contains("UNAUTHORIZED: authentication required (there are no credentials for it)"),
        "{shown}"
    );
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
