//! registries.conf of podman and others: no text panics, and errors are one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_name::Repository;
use wharf_transport::mirror::registries_conf::RegistriesConf;

fuzz_target!(|text: &str| {
    match RegistriesConf::parse(text, "registries.conf") {
        Ok(conf) => {
            let mirrors = conf.clone().with_drop_in(conf.clone()).mirrors();
            assert_eq!(mirrors.rules().len(), conf.mirrors().rules().len());
            for name in ["ubuntu", "registry.example.com/team/app", "localhost:5000/app"] {
                let repository: Repository = name.parse().expect("a repository of ours");
                for rule in mirrors.rules() {
                    let _ = rule.prefix().matches(&repository);
                }
            }
            // A prefix is what it says.
            for rule in mirrors.rules() {
                let again = rule.prefix().to_string().parse();
                assert_eq!(again.as_ref(), Ok(rule.prefix()));
            }
        }
        Err(error) => assert!(error.to_string().starts_with("registries.conf"), "{error}"),
    }
});
