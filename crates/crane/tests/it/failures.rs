//! What can go wrong: one clear line, exit status 1, and nothing half done left behind.

use std::net::TcpListener;
use std::process::Command;

use http::{Method, StatusCode};
use insta::assert_snapshot;
use wharf::registry::Registry;
use wharf::registry::auth::{Basic, Users};
use wharf::registry::hook::{Fault, Feature, Gate, Profile, Reaction};

use crate::fixture::{image, index};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

/// The first layer of the image that is pulled.
const LAYER: &str = "/blobs/sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf";

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    registry.put_image("app:v1", &image());
    (registry, sandbox)
}

/// Pulls both ways, which must fail and leave nothing.
#[track_caller]
fn pull_fails(registry: &TestRegistry, sandbox: &Sandbox) -> String {
    let layout = sandbox.crane(&["pull", "--format=oci", &registry.at("app:v1"), "new/dir"]);
    assert_eq!(sandbox.list(), [""; 0], "{layout}");
    let archive = sandbox.crane(&["pull", &registry.at("app:v1"), "file.tar"]);
    assert_eq!(sandbox.list(), [""; 0], "{archive}");
    format!("{layout}{archive}")
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let host = listener.local_addr().expect("address").to_string();
    drop(listener);
    let sandbox = Sandbox::new().hide(host.clone(), "[nobody]");
    assert_snapshot!(sandbox.crane(&["manifest", &format!("{host}/app")]), @"
    exit 1
    -- stderr
    [time] retrying attempt=1 error=connecting to http://[nobody]: tcp connect error: Connection refused (os error 111) wait:[time] http.request.method=GET url.full=https://[nobody]/v2/app/manifests/latest
    [time] retrying attempt=2 error=connecting to http://[nobody]: tcp connect error: Connection refused (os error 111) wait:[time] http.request.method=GET url.full=https://[nobody]/v2/app/manifests/latest
    Error: fetching manifest [nobody]/app:latest: connecting to https://[nobody]: tcp connect error: Connection refused (os error 111); without TLS: connecting to http://[nobody]: tcp connect error: Connection refused (os error 111)
    ");
    assert_snapshot!(sandbox.crane(&["pull", &format!("{host}/app"), "file.tar"]), @"
    exit 1
    -- stderr
    [time] retrying attempt=1 error=connecting to http://[nobody]: tcp connect error: Connection refused (os error 111) wait:[time] http.request.method=GET url.full=https://[nobody]/v2/app/manifests/latest
    [time] retrying attempt=2 error=connecting to http://[nobody]: tcp connect error: Connection refused (os error 111) wait:[time] http.request.method=GET url.full=https://[nobody]/v2/app/manifests/latest
    Error: fetching manifest [nobody]/app:latest: connecting to https://[nobody]: tcp connect error: Connection refused (os error 111); without TLS: connecting to http://[nobody]: tcp connect error: Connection refused (os error 111)
    ");
    assert_eq!(sandbox.list(), [""; 0]);
}

#[test]
fn the_host_is_unknown() {
    let shown = Sandbox::new().crane(&["manifest", "registry.invalid/app"]);
    // The rest is the system's own words.
    let line = shown.lines().last().expect("a line");
    assert!(shown.starts_with("exit 1\n-- stderr\n"), "{shown}");
    assert!(
        line.starts_with("Error: fetching manifest registry.invalid/app:latest: connecting to "),
        "{shown}"
    );
}

#[test]
fn the_image_is_unknown() {
    let (registry, sandbox) = start();
    let nope = registry.at("app:nope");
    assert_snapshot!(sandbox.crane(&["pull", "--format=oci", &nope, "dir"]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:nope: GET http://[host]/v2/app/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in app
    ");
    assert_snapshot!(sandbox.crane(&["pull", &registry.at("app:v1"), &nope, "file.tar"]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:nope: GET http://[host]/v2/app/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in app
    ");
    assert_snapshot!(sandbox.crane(&["copy", &nope, &registry.at("app:new")]), @"
    exit 1
    -- stderr
    [time] Copying from [host]/app:nope to [host]/app:new
    Error: fetching manifest [host]/app:nope: GET http://[host]/v2/app/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in app
    ");
    assert_eq!(sandbox.list(), [""; 0]);
}

#[test]
fn credentials_are_missing_or_wrong() {
    let users = Users::new().with("alice", "secret");
    let locked = Registry::builder().authentication(Basic::new(users)).build();
    let registry = TestRegistry::serve(locked);
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    assert_snapshot!(sandbox.crane(&["manifest", &registry.at("app:v1")]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:v1: GET http://[host]/v2/app/manifests/v1: UNAUTHORIZED: authentication required (there are no credentials for it)
    Hint: the registry may want a login, or there is no such repository
    ");
    assert_snapshot!(sandbox.crane(&["ls", &registry.at("app")]), @"
    exit 1
    -- stderr
    Error: reading tags for [host]/app: GET http://[host]/v2/app/tags/list?n=1000: UNAUTHORIZED: authentication required (there are no credentials for it)
    Hint: the registry may want a login, or there is no such repository
    ");
    // `alice:wrong`
    let config = format!(
        r#"{{"auths":{{"{}":{{"auth":"YWxpY2U6d3Jvbmc="}}}}}}"#,
        registry.host
    );
    std::fs::create_dir(sandbox.path(".docker")).expect("directory");
    std::fs::write(sandbox.path(".docker/config.json"), config).expect("file");
    assert_snapshot!(sandbox.crane(&["manifest", &registry.at("app:v1")]), @r#"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:v1: GET http://[host]/v2/app/manifests/v1: UNAUTHORIZED: authentication required (credentials from [dir]/.docker/config.json: used "[host]": a password of user "alice")
    Hint: the credentials may be wrong, have expired, or be for another registry
    "#);
}

#[test]
fn the_credentials_file_is_damaged() {
    let (registry, sandbox) = start();
    std::fs::create_dir(sandbox.path("docker")).expect("directory");
    std::fs::write(sandbox.path("docker/config.json"), r#"{"auths": nonsense}"#).expect("file");
    let mut command = sandbox.command(&["manifest", &registry.at("app:v1")]);
    let output = command
        .env("DOCKER_CONFIG", sandbox.path("docker"))
        .output()
        .expect("crane starts");
    // Also where the registry would ask for none: nobody should work anonymously because of a typing error.
    assert_snapshot!(sandbox.show(&output), @"
    exit 1
    -- stderr
    Error: looking up credentials: parsing config file ([dir]/docker/config.json): invalid JSON at line 1 column 12
    ");
}

#[test]
fn other_bytes_come() {
    let (registry, sandbox) = start();
    let fault = Fault::on(Method::GET, LAYER).then(Reaction::corrupt_body(10));
    registry.registry.faults().add(fault);
    assert_snapshot!(pull_fails(&registry, &sandbox), @r#"
    exit 1
    -- stderr
    Error: saving OCI layout new/dir: storing blob sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf: error verifying sha256 checksum after reading 2560 bytes; got "sha256:d7b91bb2d385a42b6626da3a9c0a43fd0f2b2625bff5dd9d6b2f5111845b9143", want "sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf"
    exit 1
    -- stderr
    Error: saving tarball file.tar: reading layer sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf: error verifying sha256 checksum after reading 2560 bytes; got "sha256:d7b91bb2d385a42b6626da3a9c0a43fd0f2b2625bff5dd9d6b2f5111845b9143", want "sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf"
    "#);
}

#[test]
fn fewer_bytes_come() {
    let (registry, sandbox) = start();
    let fault = Fault::on(Method::GET, LAYER).then(Reaction::replace_body("short"));
    registry.registry.faults().add(fault);
    assert_snapshot!(pull_fails(&registry, &sandbox), @"
    exit 1
    -- stderr
    Error: saving OCI layout new/dir: storing blob sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf: fetching blob [host]/app@sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf: error verifying size; got 5, want 2560
    exit 1
    -- stderr
    Error: saving tarball file.tar: reading layer sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf: fetching blob [host]/app@sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf: error verifying size; got 5, want 2560
    ");
}

#[test]
fn the_connection_breaks_for_good() {
    // Always after the same byte, by a registry that knows no ranges: there is no getting past it.
    let profile = Profile::full().without(Feature::Ranges);
    let registry = TestRegistry::serve(Registry::builder().profile(profile).record().build());
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    registry.put_image("app:v1", &image());
    registry
        .registry
        .faults()
        .add(Fault::on(Method::GET, "/blobs/").then(Reaction::cut_body(100)));
    let shown = pull_fails(&registry, &sandbox);
    assert!(
        shown.contains("the blob broke off after 100 bytes and could not be resumed"),
        "{shown}"
    );
}

#[test]
fn the_connection_breaks_again_and_again() {
    let (registry, sandbox) = start();
    registry
        .registry
        .faults()
        .add(Fault::on(Method::GET, "/blobs/").then(Reaction::cut_body(1000)));
    sandbox.stdout(&["pull", "--format=oci", &registry.at("app:v1"), "dir"]);
}

#[test]
fn the_disk_is_full() {
    let (registry, sandbox) = start();
    registry.put_index("big:v1", &index());
    // A limit on the size of files stands in for a full disk.
    let limited = r#"trap "" XFSZ; ulimit -f 0; exec "$@""#;
    for arguments in [["--format=oci", "dir"], ["--format=tarball", "file.tar"]] {
        let crane = sandbox.command(&["pull", &registry.at("big:v1"), arguments[0], arguments[1]]);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", limited, "sh"])
            .arg(crane.get_program())
            .args(crane.get_args());
        let output = shell.current_dir(sandbox.path("")).output().expect("sh starts");
        let shown = sandbox.show(&output);
        assert!(shown.starts_with("exit 1\n-- stderr\nError: saving "), "{shown}");
        assert!(shown.contains("File too large"), "{shown}");
        assert_eq!(shown.lines().count(), 3, "{shown}");
        assert_eq!(sandbox.list(), [""; 0], "{shown}");
    }
}

#[test]
fn the_place_to_write_is_missing_or_taken() {
    let (registry, sandbox) = start();
    std::fs::write(sandbox.path("taken"), "mine").expect("file");
    let one = registry.at("app:v1");
    assert_snapshot!(sandbox.crane(&["pull", "--format=oci", &one, "taken"]), @"
    exit 1
    -- stderr
    Error: saving OCI layout taken: create directory taken: File exists (os error 17)
    ");
    assert_snapshot!(sandbox.crane(&["pull", &one, "no/such/dir/file.tar"]), @r#"
    exit 1
    -- stderr
    Error: saving tarball no/such/dir/file.tar: create no/such/dir/file.tar: No such file or directory (os error 2) at path "[dir]/no/such/dir/.wharf-[random]"
    "#);
    assert_eq!(sandbox.list(), ["taken"]);
    assert_eq!(crate::sandbox::read(&sandbox.path("taken")), b"mine");
}

#[test]
fn the_registry_does_not_take_it() {
    let (registry, sandbox) = start();
    let other = TestRegistry::start();
    let sandbox = sandbox.hide(other.host.clone(), "[other]");
    let denied = Reaction::status(StatusCode::FORBIDDEN);
    let handle = other
        .registry
        .faults()
        .add(Fault::on(Method::PUT, "/manifests/").then(denied));
    let shown = sandbox.crane(&["copy", &registry.at("app:v1"), &other.at("app:v1")]);
    let error = shown.lines().find(|line| line.starts_with("Error: "));
    assert_snapshot!(error.expect("a line"), @"Error: writing manifest [other]/app:v1: PUT http://[other]/v2/app/manifests/v1: DENIED: as the test wants it");
    handle.remove();
    assert_eq!(other.digest("app:v1"), None);
}

#[test]
fn there_is_nothing_to_push() {
    let (registry, sandbox) = start();
    std::fs::create_dir(sandbox.path("empty")).expect("directory");
    std::fs::write(sandbox.path("text"), "not an archive\n").expect("file");
    assert_snapshot!(sandbox.crane(&["push", "nowhere", &registry.at("app:new")]), @"
    exit 1
    -- stderr
    Error: stat nowhere: No such file or directory (os error 2)
    ");
    assert_snapshot!(sandbox.crane(&["push", "empty", &registry.at("app:new")]), @"
    exit 1
    -- stderr
    Error: loading empty as OCI layout: open empty/index.json: No such file or directory (os error 2)
    ");
    assert_snapshot!(sandbox.crane(&["push", "text", &registry.at("app:new")]), @"
    exit 1
    -- stderr
    Error: loading text as tarball: unexpected EOF
    ");
    assert_eq!(registry.requests(), [""; 0]);
}

#[test]
fn a_damaged_layout_is_not_pushed() {
    let (registry, sandbox) = start();
    sandbox.stdout(&["pull", "--format=oci", &registry.at("app:v1"), "dir"]);
    let blobs = sandbox.path("dir/blobs/sha256");
    let layer = std::fs::read_dir(blobs)
        .expect("blobs")
        .map(|blob| blob.expect("entry").path());
    let layer = layer
        .max_by_key(|path| path.metadata().expect("metadata").len())
        .expect("a blob");
    let mut bytes = crate::sandbox::read(&layer);
    bytes[700] ^= 1;
    std::fs::write(&layer, bytes).expect("written");
    let other = TestRegistry::start();
    let sandbox = sandbox.hide(other.host.clone(), "[other]");
    let shown = sandbox.crane(&["push", "dir", &other.at("app:v1")]);
    assert_snapshot!(shown.lines().last().expect("a line"), @r#"Error: uploading blob [other]/app@sha256:5e2ec8efc9d7cac0e8d4cf3b1bbe16773c40d9790fd10dd4128a46d50c01b094: error verifying sha256 checksum after reading 2560 bytes; got "sha256:f1706cbb0e9831b020b23aefd05b164421749356ffcc0694db78e651b40c5fc5", want "sha256:5e2ec8efc9d7cac0e8d4cf3b1bbe16773c40d9790fd10dd4128a46d50c01b094""#);
    assert_eq!(other.digest("app:v1"), None);
}

#[test]
fn a_time_that_is_up_ends_the_command() {
    let registry = TestRegistry::start();
    registry.put_image("app:v1", &image());
    let gate = Gate::new();
    let held = Fault::on(Method::GET, "/manifests/").then(Reaction::hold(&gate));
    registry.registry.faults().add(held);
    let sandbox = Sandbox::new();
    let shown = sandbox.crane(&["manifest", "--timeout=0.2", &registry.at("app:v1")]);
    assert_eq!(shown, "exit 1\n-- stderr\nError: not done after 0.2 s\n");
    gate.open();
    for wrong in ["0", "-1", "soon"] {
        let shown = sandbox.crane(&[format!("--timeout={wrong}"), "version".to_owned()]);
        let want =
            format!("invalid argument {wrong:?} for \"--timeout\" flag: must be a number of seconds above 0");
        assert_eq!(shown, format!("exit 1\n-- stderr\nError: {want}\n"));
    }
}

#[test]
fn a_registry_that_deletes_by_digest_only() {
    let (registry, sandbox) = start();
    let fault = Fault::on(Method::DELETE, "/manifests/v1");
    registry
        .registry
        .faults()
        .add(fault.then(Reaction::status(StatusCode::METHOD_NOT_ALLOWED)));
    assert_snapshot!(sandbox.crane(&["delete", &registry.at("app:v1")]), @"
    exit 1
    -- stderr
    Error: deleting [host]/app:v1: DELETE http://[host]/v2/app/manifests/v1: UNSUPPORTED: as the test wants it
    Hint: some registries delete by digest only: crane delete $(crane digest --full-ref [host]/app:v1)
    ");
    let digest = sandbox.stdout(&["digest", "--full-ref", &registry.at("app:v1")]);
    sandbox.stdout(&["delete", digest.trim_end()]);
}
