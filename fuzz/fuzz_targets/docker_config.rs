//! Configuration files of docker, podman and Kubernetes: no text panics, one bad entry does not hide the
//! others, what was found is found again after an edit, and edits are stable.
#![no_main]

use std::sync::LazyLock;

use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use wharf_authn::{ConfigDocument, Credential, DockerConfig, Keychain, PullSecrets, Resource};
use wharf_name::{Registry, Repository};

static REPOSITORIES: LazyLock<[Resource; 3]> = LazyLock::new(|| {
    ["docker.io/library/app", "a.io/org/app", "localhost:5000/app"]
        .map(|name| Resource::from(&name.parse::<Repository>().expect("a repository")))
});

/// What a keychain answers. Programs are not run in this build, so nothing is waited for.
fn ask(keychain: &dyn Keychain, resource: &Resource) -> Option<Credential> {
    let explained = keychain.explain(resource).now_or_never().expect("no I/O");
    for step in explained.steps() {
        assert!(!step.to_string().contains('\n'), "{step}");
    }
    let found = keychain.resolve(resource).now_or_never().expect("no I/O");
    let _ = format!("{keychain:?} {found:?}");
    let is_found = found.as_ref().is_ok_and(|found| !found.is_anonymous());
    assert_eq!(
        (explained.used().is_some(), explained.failure().is_some()),
        (is_found, found.is_err())
    );
    let answer = found.ok()?.credential().now_or_never().expect("no I/O");
    answer.ok()
}

fuzz_target!(|text: &str| {
    for secrets in [
        PullSecrets::default().with_docker_cfg("fuzz", text),
        PullSecrets::default().with_docker_config_json("fuzz", text),
    ] {
        let Ok(secrets) = secrets else { continue };
        for resource in &*REPOSITORIES {
            ask(&secrets, resource);
        }
    }
    let Ok(config) = DockerConfig::parse(text) else {
        assert!(
            ConfigDocument::parse(text).is_err(),
            "what cannot be read is not edited"
        );
        return;
    };
    let before = REPOSITORIES.each_ref().map(|resource| ask(&config, resource));
    let Ok(mut document) = ConfigDocument::parse(text) else {
        return;
    };
    let other: Registry = "other.example:1234".parse().expect("a registry");
    let credential = Credential::basic("user", "password");
    document.set(&other, &credential).expect("a credential");

    let text = document.to_text();
    let config = DockerConfig::parse(text.expose()).expect("what we write is read");
    let after = REPOSITORIES.each_ref().map(|resource| ask(&config, resource));
    assert_eq!(before, after, "an edit concerns nobody else");
    let again = ConfigDocument::parse(text.expose()).expect("what we write is edited");
    assert_eq!(again.to_text(), text);
});
