//! What registries warn of is shown, whatever becomes of the command.

use http::header::WARNING;
use http::{HeaderValue, Method};
use insta::assert_snapshot;
use wharf::registry::hook::{Fault, Reaction};

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

/// A registry that sends these headers with every answer to `method`, one each time.
fn start(method: &Method, headers: &[&'static str]) -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    registry.put_image("app:v1", &image());
    for (place, header) in headers.iter().enumerate() {
        let warn = Reaction::set_header(WARNING, HeaderValue::from_static(header));
        let fault = Fault::on(method.clone(), "/v2/").after(place).times(1).then(warn);
        registry.registry.faults().add(fault);
    }
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    (registry, sandbox)
}

#[test]
fn warnings_come_last_each_once_in_order() {
    let headers = ["299 - \"zebra\"", "299 - \"ape\"", "299 - \"zebra\""];
    let (registry, sandbox) = start(&Method::GET, &headers);
    let output = sandbox
        .command(&["pull", "--format=oci", &registry.at("app:v1"), "dir"])
        .output()
        .expect("crane starts");
    assert_snapshot!(sandbox.show(&output), @"
    exit 0
    -- stderr
    [WARNING]: ape
    [WARNING]: zebra
    ");
}

#[test]
fn a_command_that_fails_shows_them_too() {
    let (registry, sandbox) = start(&Method::HEAD, &["299 - \"gone soon\""]);
    assert_snapshot!(sandbox.crane(&["digest", &registry.at("app:nope")]), @"
    exit 1
    -- stderr
    [WARNING]: gone soon
    Error: checking manifest [host]/app:nope: HEAD http://[host]/v2/app/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in app
    ");
}

#[test]
fn other_headers_are_not_shown() {
    for header in ["299 - bare", "299 - ", "299", "199 - \"other\"", "299 - \"open"] {
        let (registry, sandbox) = start(&Method::HEAD, &[header]);
        let output = sandbox
            .command(&["digest", &registry.at("app:v1")])
            .output()
            .expect("crane starts");
        assert!(output.status.success(), "{header}: {}", sandbox.show(&output));
        assert!(output.stderr.is_empty(), "{header}: {}", sandbox.show(&output));
    }
}

#[test]
fn a_platform_without_effect_is_told() {
    let (registry, sandbox) = start(&Method::GET, &[]);
    let ls = ["ls", "--platform=linux/arm64", &registry.at("app")];
    assert_snapshot!(sandbox.crane(&ls), @"
    exit 0
    -- stdout
    v1
    -- stderr
    [time] --platform has no effect on this command
    ");
    assert_snapshot!(sandbox.crane(&["ls", "--platform=all", &registry.at("app")]), @"
    exit 0
    -- stdout
    v1
    ");
}
