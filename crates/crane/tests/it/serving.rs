//! `crane registry serve`.

use std::process::Stdio;

use insta::assert_snapshot;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use wharf::v1::random;
use wharf_testkit::send;

use crate::fixture::{image, other_image};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;
use crate::serve::ServedCrane;

#[test]
fn it_says_its_port_and_stops_when_told() {
    for signal in ["INT", "TERM"] {
        let sandbox = Sandbox::new();
        let mut served = ServedCrane::start(&sandbox, &[""; 0]);
        assert!(
            served.greeting.contains(" serving on port "),
            "{}",
            served.greeting
        );
        assert_eq!(sandbox.stdout(&["catalog", served.host()]), "");
        send(signal, served.id());
        assert_eq!(served.wait().code(), Some(0), "SIG{signal}");
    }
}

#[test]
fn what_is_on_disk_is_there_after_a_restart() {
    let registry = TestRegistry::start();
    let digest = registry.put_image("app:v1", &image());
    let sandbox = Sandbox::new();
    for round in 0..2 {
        // The directory is made, with those above it.
        let mut served = ServedCrane::start(&sandbox, &["--disk", "some/store"]);
        let there = format!("{}/app:v1", served.host());
        if round == 0 {
            sandbox.stdout(&["copy", &registry.at("app:v1"), &there]);
        }
        assert_eq!(sandbox.stdout(&["digest", &there]), format!("{digest}\n"));
        let layout = format!("layout{round}");
        sandbox.stdout(&["pull", "--format=oci", &there, &layout]);
        send("TERM", served.id());
        served.wait();
    }
}

#[test]
fn the_address_is_taken_from_flag_or_environment() {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[taken]");
    assert_snapshot!(sandbox.crane(&["registry", "serve", "--address", &registry.host]), @"
    exit 1
    -- stderr
    Error: listen tcp [taken]: Address already in use (os error 98)
    ");
    let port = registry.host.rsplit(':').next().expect("port");
    let mut command = sandbox.command(&["registry", "serve"]);
    let output = command.env("PORT", port).output().expect("crane starts");
    assert_snapshot!(sandbox.show(&output), @"
    exit 1
    -- stderr
    Error: listen tcp [taken]: Address already in use (os error 98)
    ");
    assert_snapshot!(sandbox.crane(&["registry", "serve", "--address", "nonsense"]), @"
    exit 1
    -- stderr
    Error: listen tcp nonsense: invalid socket address
    ");
    std::fs::write(sandbox.path("file"), "").expect("file");
    assert_snapshot!(sandbox.crane(&["registry", "serve", "--disk", "file/dir"]), @"
    exit 1
    -- stderr
    Error: opening file/dir as a registry: reading or writing the store: Not a directory (os error 20)
    ");
}

/// A certificate for this machine that `ca.crt` of its folder trusts, with its key.
fn certificate(sandbox: &Sandbox) -> String {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    std::fs::write(sandbox.path("cert.pem"), &certificate).expect("file");
    std::fs::write(sandbox.path("key.pem"), key.serialize_pem()).expect("file");
    certificate
}

/// A file that lists the user `alice`, whose password is `wonderland`.
pub(crate) fn htpasswd(sandbox: &Sandbox) {
    let hash = bcrypt::hash("wonderland", 4).expect("a hash");
    std::fs::write(
        sandbox.path("users"),
        format!("# who may come in\n\nalice:{hash}\n"),
    )
    .expect("file");
}

#[test]
fn it_encrypts_and_lets_in_whom_it_knows() {
    let registry = TestRegistry::start();
    let digest = registry.put_image("app:v1", &image());
    for scheme in ["basic", "bearer"] {
        let sandbox = Sandbox::new();
        let certificate = certificate(&sandbox);
        htpasswd(&sandbox);
        let served = ServedCrane::start(
            &sandbox,
            &[
                "--tls-cert=cert.pem",
                "--tls-key=key.pem",
                "--htpasswd=users",
                "--auth",
                scheme,
                "--anonymous-pull",
            ],
        );
        let folder = sandbox.path(".config/containers/certs.d").join(served.host());
        std::fs::create_dir_all(&folder).expect("folder");
        std::fs::write(folder.join("ca.crt"), &certificate).expect("file");
        let app = format!("{}/app:v1", served.host());
        let refused = sandbox.crane(&["copy", &registry.at("app:v1"), &app]);
        assert!(refused.starts_with("exit 1\n"), "{scheme}: {refused}");
        let wrong = sandbox.crane(&["auth", "login", served.host(), "-u", "alice", "-p", "wrong"]);
        assert!(wrong.starts_with("exit 1\n"), "{scheme}: {wrong}");
        sandbox.stdout(&["auth", "login", served.host(), "-u", "alice", "-p", "wonderland"]);
        sandbox.stdout(&["copy", &registry.at("app:v1"), &app]);
        sandbox.stdout(&["auth", "logout", served.host()]);
        assert_eq!(
            sandbox.stdout(&["digest", &app]),
            format!("{digest}\n"),
            "{scheme}"
        );
    }
}

#[test]
fn it_refuses_what_it_is_told_to_refuse() {
    let registry = TestRegistry::start();
    registry.put_image("app:v1", &image());
    let sandbox = Sandbox::new();
    let app = |served: &ServedCrane| format!("{}/app:v1", served.host());

    let served = ServedCrane::start(&sandbox, &["--disk=store", "--delete=false"]);
    sandbox.stdout(&["copy", &registry.at("app:v1"), &app(&served)]);
    let refused = sandbox.crane(&["delete", &app(&served)]);
    assert!(refused.contains("UNSUPPORTED"), "{refused}");
    drop(served);

    let served = ServedCrane::start(&sandbox, &["--disk=store", "--read-only"]);
    sandbox.stdout(&["digest", &app(&served)]);
    let refused = sandbox.crane(&["tag", &app(&served), "v2"]);
    assert!(refused.contains("UNSUPPORTED"), "{refused}");
    let refused = sandbox.crane(&["registry", "gc", "store"]);
    assert_snapshot!(refused, @"
    exit 1
    -- stderr
    Error: opening store as a registry: the store is in use
    ");
    drop(served);

    let served = ServedCrane::start(&sandbox, &["--sparse"]);
    let manifest = sandbox.stdout(&["manifest", &registry.at("app:v1")]);
    std::fs::write(sandbox.path("manifest"), manifest).expect("file");
    let mut command = sandbox.command(&["edit", "manifest", &registry.at("app:v1"), "-t", &app(&served)]);
    command.stdin(std::fs::File::open(sandbox.path("manifest")).expect("file"));
    let pushed = command.output().expect("crane starts");
    assert!(pushed.status.success(), "{}", sandbox.show(&pushed));
}

#[test]
fn what_cannot_be_used_is_said() {
    let sandbox = Sandbox::new();
    certificate(&sandbox);
    std::fs::write(sandbox.path("users"), "alice:plain\n").expect("file");
    for (arguments, want) in [
        (
            &["--htpasswd=users"][..],
            "reading users: line 1: the password of \"alice\" is not hashed with bcrypt (htpasswd -B)",
        ),
        (
            &["--htpasswd=none"],
            "reading none: No such file or directory (os error 2)",
        ),
        (
            &["--tls-cert=cert.pem", "--tls-key=cert.pem"],
            "using cert.pem and cert.pem: reading the private key: no items found",
        ),
        (
            &["--tls-cert=users", "--tls-key=key.pem"],
            "using users and key.pem: reading the certificates: there are none",
        ),
    ] {
        let shown = sandbox.crane(&[&["registry", "serve"], arguments].concat());
        assert_eq!(
            shown,
            format!("exit 1\n-- stderr\nError: {want}\n"),
            "{arguments:?}"
        );
    }
}

#[test]
fn gc_removes_what_nobody_needs() {
    let registry = TestRegistry::start();
    for (name, image) in [("app:v1", image()), ("app:v2", other_image())] {
        registry.put_image(name, &image);
    }
    let sandbox = Sandbox::new();
    let served = ServedCrane::start(&sandbox, &["--disk=store"]);
    let at = |name: &str| format!("{}/{name}", served.host());
    for name in ["app:v1", "app:v2"] {
        sandbox.stdout(&["copy", &registry.at(name), &at(name)]);
    }
    let digest = registry.digest("app:v2").expect("there");
    sandbox.stdout(&["delete", &at(&format!("app@{digest}"))]);
    drop(served);
    // What came within the hour stays.
    assert_snapshot!(sandbox.crane(&["registry", "gc", "store"]), @"
    exit 0
    -- stderr
    [time] removed sha256:2c90ff3b21c42cf791196eb7ab9f89c85346692245329598e8fb2080c4c5b59a, 547 bytes
    [time] removed 547 bytes
    ");
    assert_snapshot!(sandbox.crane(&["registry", "gc", "store", "--grace=0", "--dry-run"]), @"
    exit 0
    -- stderr
    [time] would remove blob app@sha256:70d8100c62109cdbf41ad731e0fa345972c98c22ac73c9a9b73e284603c4e289
    [time] would remove blob app@sha256:84925f281537fc6d157792426d7cba56587cc7710e73e8d9001dcd75a2c50e93
    [time] would remove blob app@sha256:de35e8503a97d56de0799f4320602d713eec11a33eeadb88c1d1b5832cc312e3
    [time] would remove sha256:70d8100c62109cdbf41ad731e0fa345972c98c22ac73c9a9b73e284603c4e289, 532 bytes
    [time] would remove sha256:84925f281537fc6d157792426d7cba56587cc7710e73e8d9001dcd75a2c50e93, 2560 bytes
    [time] would remove sha256:de35e8503a97d56de0799f4320602d713eec11a33eeadb88c1d1b5832cc312e3, 2560 bytes
    [time] would remove 5652 bytes
    ");
    sandbox.crane(&["registry", "gc", "store", "--grace=0"]);
    assert_snapshot!(sandbox.crane(&["registry", "gc", "store", "--grace=0"]), @"
    exit 0
    -- stderr
    [time] removed 0 bytes
    ");
    let served = ServedCrane::start(&sandbox, &["--disk=store"]);
    let app = format!("{}/app:v1", served.host());
    assert!(
        sandbox
            .stdout(&["validate", "--remote", &app])
            .starts_with("PASS: ")
    );
    assert_snapshot!(sandbox.crane(&["registry", "gc", "nowhere"]), @"
    exit 1
    -- stderr
    Error: opening nowhere as a registry: reading or writing the store: this is not the directory of a registry
    ");
}

/// How often a server is killed. What CI has time for, unless the build is told otherwise (`WHARF_CRASH_ROUNDS`).
fn rounds() -> u64 {
    let told = option_env!("WHARF_CRASH_ROUNDS");
    told.map_or(10, |rounds| rounds.parse().expect("a number"))
}

/// However often the process is killed in the middle of pushes, what it said was stored is there and whole.
#[test]
fn killed_it_loses_nothing() {
    let rounds = rounds();
    let registry = TestRegistry::start();
    for number in 0..rounds {
        registry.put_image(&format!("app:v{number}"), &random::image(number, 3, 20_000));
    }
    let sandbox = Sandbox::new();
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..rounds {
        let served = ServedCrane::start(&sandbox, &["--disk=store"]);
        let at = |name: &str| format!("{}/{name}", served.host());
        for name in &acknowledged {
            let digest = sandbox.stdout(&["digest", &at(name)]);
            assert_eq!(
                Some(digest.trim_end().to_owned()),
                registry.digest(name),
                "{name} in round {round}"
            );
        }
        let name = format!("app:v{round}");
        let mut push = sandbox.command(&["copy", &registry.at(&name), &at(&name)]);
        let mut push = push.stderr(Stdio::null()).spawn().expect("crane starts");
        // The instant differs from round to round, and with the load of the machine.
        let killer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(round % 30 * 9));
            drop(served);
        });
        let copied = push.wait().expect("it ends");
        killer.join().expect("killed");
        if copied.success() {
            acknowledged.push(name);
        }
    }
    let served = ServedCrane::start(&sandbox, &["--disk=store"]);
    for name in &acknowledged {
        let there = format!("{}/{name}", served.host());
        assert_eq!(
            sandbox.stdout(&["validate", "--remote", &there]),
            format!("PASS: {there}\n")
        );
    }
}

/// What another registry has is handed out, kept, and there when the other is not.
#[test]
fn an_upstream_is_needed_once() {
    let upstream = TestRegistry::start();
    let sandbox = Sandbox::new();
    upstream.put_image("team/app:v1", &image());
    let from = upstream.at("team");
    let served = ServedCrane::start(&sandbox, &["--disk=kept", "--upstream", &from]);
    let app = format!("{}/app:v1", served.host());
    assert_eq!(
        sandbox.stdout(&["digest", &app]).trim_end(),
        upstream.digest("team/app:v1").expect("there")
    );
    assert_eq!(
        sandbox.stdout(&["validate", "--remote", &app]),
        format!("PASS: {app}\n")
    );
    upstream.requests();
    assert_eq!(
        sandbox.stdout(&["validate", "--remote", &app]),
        format!("PASS: {app}\n")
    );
    assert!(upstream.requests().is_empty());
    assert!(
        sandbox
            .crane(&[
                "copy",
                &upstream.at("team/app:v1"),
                &format!("{}/other:v1", served.host())
            ])
            .starts_with("exit 1\n")
    );
    assert!(
        sandbox
            .crane(&["registry", "serve", "--upstream", "not a registry"])
            .starts_with("exit 1\n")
    );
}
