//! What is added to images from elsewhere than a file.

use serde_json::Value;

use crate::fixture::{image, index};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn archive() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    archive
        .append_data(&mut header, "etc/motd", &b"hello"[..])
        .expect("an archive");
    archive.into_inner().expect("an archive")
}

#[test]
fn mutate_appends_standard_input() {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new();
    registry.put_image("app:v1", &image());
    registry.put_index("multi:v1", &index());
    for (source, more) in [("app:v1", None), ("multi:v1", Some("--all-platforms"))] {
        let (from, to) = (registry.at(source), registry.at("new:v1"));
        let mut arguments = vec!["mutate", "--append", "-", &from, "--tag", &to];
        arguments.extend(more);
        let output = sandbox.fed(&arguments, archive());
        assert!(output.status.success(), "{}", sandbox.show(&output));
        assert_eq!(sandbox.stdout(&["cat", &to, "/etc/motd"]), "hello");
    }
    let output = sandbox.fed(&["mutate", "--append=-", &registry.at("app:v1")], "no archive");
    let shown = sandbox.show(&output);
    assert!(
        shown.starts_with("exit 1\n-- stderr\nError: appending -: layer is not a valid tar archive"),
        "{shown}"
    );
    assert_eq!(sandbox.list(), [""; 0]);
}

#[test]
fn an_empty_base_is_for_the_platform_that_is_asked_for() {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new();
    let made = registry.at("new:v1");
    for family in [&[][..], &["--oci-empty-base"]] {
        let mut arguments = vec!["append", "-f", "-", "-t", &made, "--platform", "linux/arm64/v8"];
        arguments.extend(family);
        let output = sandbox.fed(&arguments, archive());
        assert!(output.status.success(), "{}", sandbox.show(&output));
        let config: Value = serde_json::from_str(&sandbox.stdout(&["config", &made])).expect("JSON");
        let stated = ["os", "architecture", "variant"].map(|name| config[name].as_str().unwrap_or_default());
        assert_eq!(stated, ["linux", "arm64", "v8"]);
    }
}

#[test]
fn what_is_flattened_can_be_made_again() {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new();
    registry.put_image("app:v1", &image());
    let flatten = |seconds: &str| {
        let (app, made) = (registry.at("app:v1"), registry.at("flat:v1"));
        let mut command = sandbox.command(&["flatten", "-q", &app, "-t", &made]);
        command.env("SOURCE_DATE_EPOCH", seconds);
        sandbox.show(&command.output().expect("crane starts"))
    };
    let first = flatten("1700000000");
    assert!(first.starts_with("exit 0\n"), "{first}");
    let config: Value =
        serde_json::from_str(&sandbox.stdout(&["config", &registry.at("flat:v1")])).expect("JSON");
    assert_eq!(config["created"], "2023-11-14T22:13:20Z");
    assert_eq!(flatten("1700000000"), first);
    assert_ne!(flatten("1700000001"), first);
    assert_eq!(
        flatten("yesterday"),
        "exit 1\n-- stderr\nError: SOURCE_DATE_EPOCH is \"yesterday\", which is no time in seconds\n"
    );
}
