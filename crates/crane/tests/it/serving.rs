//! `crane registry serve`.

use insta::assert_snapshot;
use wharf_testkit::send;

use crate::fixture::image;
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
