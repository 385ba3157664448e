//! The environment is read in one file each of the few crates that may: clippy bans the functions, this rule the exceptions.

use super::{Finding, line_where};
use crate::workspace::File;

/// Credentials, proxies and the command line.
const MAY_READ: &[&str] = &["authn", "crane", "transport"];

/// What an exception to the ban has to name.
const LINT: &str = concat!("clippy::", "disallowed_methods");

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut readers: Vec<(&str, &str)> = Vec::new();
    let exceptions = files
        .iter()
        .filter(|file| file.path.ends_with(".rs") && file.text.contains(LINT));
    for file in exceptions {
        let Some(name) = file
            .path
            .strip_prefix("crates/")
            .and_then(|path| path.split('/').next())
        else {
            continue;
        };
        let line = line_where(&file.text, |line| line.contains(LINT));
        if !MAY_READ.contains(&name) {
            let message = format!(
                "crates/{name} may not read the environment; {} may",
                MAY_READ.join(", ")
            );
            findings.push(Finding::new(&file.path, line, message));
        } else if let Some((_, first)) = readers.iter().find(|(reader, _)| *reader == name) {
            let message =
                format!("crates/{name} reads the environment in {first} already: one file per crate");
            findings.push(Finding::new(&file.path, line, message));
        } else {
            readers.push((name, &file.path));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(path: &str) -> File {
        File {
            path: path.into(),
            text: format!("//! Reads.\n#[expect({LINT}, reason = \"here\")]\n"),
        }
    }

    #[test]
    fn one_file_in_each_of_three() {
        let files = [
            reader("crates/authn/src/env.rs"),
            reader("crates/transport/src/proxy.rs"),
            File {
                path: "crates/v1/src/a.rs".into(),
                text: "fn f() {}\n".into(),
            },
        ];
        assert_eq!(check(&files), []);
    }

    #[test]
    fn others_and_second_files() {
        let files = [
            reader("crates/authn/src/a.rs"),
            reader("crates/authn/src/b.rs"),
            reader("crates/remote/src/client.rs"),
        ];
        let got: Vec<String> = check(&files).iter().map(ToString::to_string).collect();
        assert_eq!(
            got,
            [
                "crates/authn/src/b.rs:2: crates/authn reads the environment in crates/authn/src/a.rs already: \
                 one file per crate",
                "crates/remote/src/client.rs:2: crates/remote may not read the environment; \
                 authn, crane, transport may",
            ]
        );
    }
}
