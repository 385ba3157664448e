//! hosts.toml of containerd: no text panics, and what is there without certificate files becomes a rule.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_transport::mirror::Prefix;
use wharf_transport::mirror::hosts_toml::HostsToml;

fuzz_target!(|text: &str| {
    match HostsToml::parse(text, "hosts.toml") {
        // With names of certificate files it would read what the fuzzer wants.
        Ok(hosts) if !text.contains("ca") && !text.contains("client") && !text.contains('\\') => {
            let rule = hosts.rule(Prefix::any()).expect("there is nothing to read");
            for mirror in rule.mirrors() {
                assert!(mirror.registry().is_some());
                assert!(mirror.headers().values().all(|value| value.is_sensitive()));
            }
            let _ = format!("{rule:?}");
        }
        Ok(_) => {}
        Err(error) => assert!(error.to_string().starts_with("hosts.toml"), "{error}"),
    }
});
