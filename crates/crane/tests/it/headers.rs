//! Headers that docker's file asks for.

use http::{Method, StatusCode};
use wharf::registry::hook::{Fault, Reaction};

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

/// A registry that answers `allowed` only to requests with the header, or only to those without.
fn picky(wants: bool) -> TestRegistry {
    let registry = TestRegistry::start();
    registry.put_image("app:v1", &image());
    let fault = Fault::when(move |request| request.headers.contains_key("x-meta") != wants);
    registry
        .registry
        .faults()
        .add(fault.then(Reaction::status(StatusCode::FORBIDDEN)));
    registry
}

fn configure(sandbox: &Sandbox, text: &str) {
    let directory = sandbox.path(".docker");
    std::fs::create_dir_all(&directory).expect("directory");
    std::fs::write(directory.join("config.json"), text).expect("writable");
}

#[test]
fn they_are_for_the_registry_only() {
    let (registry, storage) = (picky(true), picky(false));
    let to = format!("http://{}/v2/app/blobs/{{digest}}", storage.host);
    let sandbox = Sandbox::new();
    let app = registry.at("app:v1");
    assert!(sandbox.crane(&["manifest", &app]).contains("DENIED"));
    configure(
        &sandbox,
        r#"{"HttpHeaders":{"X-Meta":"a secret","User-Agent":"someone else"}}"#,
    );
    sandbox.stdout(&["pull", &app, "file.tar"]);

    // The storage that blobs are fetched from must not see them.
    let digest = "sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf";
    let fault = Fault::on(Method::GET, digest).then(Reaction::redirect(&to.replace("{digest}", digest)));
    registry.registry.faults().add(fault);
    storage.requests();
    sandbox.stdout(&["pull", &app, "other.tar"]);
    assert_eq!(storage.requests().len(), 1);

    let output = sandbox
        .command(&["digest", "-v", &app])
        .output()
        .expect("crane starts");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{log}");
    assert!(
        !log.contains("a secret") && !log.contains("someone else"),
        "{log}"
    );
}

#[test]
fn they_have_to_be_headers() {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new();
    configure(&sandbox, r#"{"HttpHeaders":{"a b":"c"}}"#);
    let shown = sandbox.crane(&["ls", &registry.at("app")]);
    assert!(
        shown.contains("\"a b\" in HttpHeaders is no name of a header"),
        "{shown}"
    );
}
