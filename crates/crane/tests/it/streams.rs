//! Standard output that cannot be written, and signals.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use http::Method;
use wharf::registry::hook::{Fault, Gate, Reaction};

use crate::fixture::{image, index};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

/// The first layer of the image.
const LAYER: &str = "sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf";

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    registry.put_image("app:v1", &image());
    registry.put_index("multi:v1", &index());
    (registry, sandbox)
}

#[test]
fn a_full_standard_output_is_a_failure() {
    let (registry, sandbox) = start();
    let (one, app) = (registry.at("app:v1"), registry.at("app"));
    let (blob, multi) = (format!("{app}@{LAYER}"), registry.at("multi:v1"));
    let commands: [&[&str]; 16] = [
        &["digest", &one],
        &["manifest", &one],
        &["config", &one],
        &["ls", &app],
        &["catalog", &registry.host],
        &["version"],
        &["--help"],
        &["blob", &blob],
        &["index", "list", &multi],
        &["validate", "--remote", &one],
        &["inspect", &one],
        &["tree", &one],
        &["pull", &one, "-"],
        &["mutate", "-q", &one],
        &["completion", "zsh"],
        &["registry"],
    ];
    for arguments in commands {
        let full = File::options().write(true).open("/dev/full").expect("/dev/full");
        let output = sandbox
            .command(arguments)
            .stdout(full)
            .output()
            .expect("crane starts");
        let shown = sandbox.show(&output);
        let want =
            "exit 1\n-- stderr\nError: writing to standard output: No space left on device (os error 28)\n";
        assert_eq!(shown, want, "{arguments:?}");
    }
}

#[test]
fn a_reader_that_left_is_no_reason_to_complain() {
    let (registry, sandbox) = start();
    let mut command = sandbox.command(&["manifest", &registry.at("multi:v1")]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("crane starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("waitable");
    // What a shell reports for a process that SIGPIPE ended.
    assert_eq!(sandbox.show(&output), "exit 141\n");
}

#[test]
fn signals_end_a_command_and_what_it_began() {
    for (signal, want) in [
        ("INT", "exit 1\n-- stderr\nError: interrupt signal received\n"),
        (
            "TERM",
            "exit 143\n-- stderr\nError: termination signal received\n",
        ),
    ] {
        let (registry, sandbox) = start();
        let gate = Gate::new();
        let fault = Fault::on(Method::GET, "/blobs/").then(Reaction::hold(&gate));
        registry.registry.faults().add(fault);
        let mut command = sandbox.command(&["pull", "--format=oci", &registry.at("multi:v1"), "dir"]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("crane starts");
        registry.run(gate.reached_by(1));
        wharf_testkit::send(signal, child.id());
        let output = child.wait_with_output().expect("waitable");
        assert_eq!(sandbox.show(&output), want);
        assert_eq!(sandbox.list(), [""; 0]);
        gate.open();
    }
}

/// Somebody who is asked to type, and presses Ctrl-C instead.
#[test]
fn an_interrupted_standard_input_is_told_apart() {
    let (registry, sandbox) = start();
    // More than a pipe holds: once it is written, some of it was read. It is the beginning of an archive.
    let mut header = tar::Header::new_ustar();
    header.set_path("a").expect("short");
    header.set_size(1 << 20);
    header.set_cksum();
    let mut input = header.as_bytes().to_vec();
    input.resize((64 << 10) + 1, b'a');
    let pushed = registry.at("new:v1");
    let commands: [&[&str]; 4] = [
        &["auth", "get"],
        &["push", "-", &pushed],
        &["append", "-f", "-", "--new_tag", &pushed],
        &["edit", "config", &registry.at("app:v1")],
    ];
    for arguments in commands {
        let mut command = sandbox.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("crane starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(&input).expect("written");
        wharf_testkit::send("INT", child.id());
        let output = child.wait_with_output().expect("waitable");
        let shown = sandbox.show(&output);
        assert!(shown.starts_with("exit 130\n"), "{arguments:?}: {shown}");
        assert!(
            shown.ends_with("Error: interrupt signal received\n"),
            "{arguments:?}: {shown}"
        );
        drop(stdin);
    }
}

#[test]
fn the_wire_log_has_requests_and_no_secrets() {
    let (registry, sandbox) = start();
    let mut command = sandbox.command(&["digest", "-v", &registry.at("app:v1")]);
    let mut child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("crane starts");
    let mut log = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut log)
        .expect("text");
    assert!(child.wait().expect("waitable").success());
    let request = format!("--> HEAD http://{}/v2/app/manifests/v1", registry.host);
    assert!(log.lines().any(|line| line == request), "{log}");
    assert!(log.lines().any(|line| line.starts_with("<-- 200 OK ")), "{log}");
}
