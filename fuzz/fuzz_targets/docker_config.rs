//! Configuration files of docker and podman: no text panics, and one bad entry does not hide the others.
#![no_main]

use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use wharf_authn::{DockerConfig, Keychain, Resource};
use wharf_name::Reference;

fuzz_target!(|text: &str| {
    let Ok(config) = DockerConfig::parse(text) else {
        return;
    };
    for name in ["ubuntu", "registry.example.com/team/app:v1", "localhost:5000/app"] {
        let reference: Reference = name.parse().expect("a reference of ours");
        // Programs are not run in this build, so nothing is waited for.
        let found = config
            .resolve(&Resource::from(&reference))
            .now_or_never()
            .expect("no I/O");
        match found {
            Ok(authenticator) => drop(authenticator.credential().now_or_never()),
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        }
    }
    let _ = format!("{config:?}");
});
