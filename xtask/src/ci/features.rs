//! Each library builds with no feature, with each one alone, and with all.

use std::path::Path;

use cargo_metadata::Package;

use crate::command::{self, Failure};
use crate::workspace;

pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let mut broken = Vec::new();
    for package in workspace::libraries(root)? {
        for selection in selections(&features(&package)) {
            // Clippy rather than `check`: an import that only one feature needs is a warning, and has to fail.
            let mut line = vec!["cargo", "clippy", "--quiet", "--locked", "--no-deps", "--lib"];
            line.extend(["--package", package.name.as_str()]);
            line.extend(selection.iter().map(String::as_str));
            line.extend(["--", "-D", "warnings"]);
            if let Err(failure) = command::run(root, &line, &[]) {
                broken.push(failure.to_string());
            }
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::Check(broken.join("\n")))
    }
}

fn features(package: &Package) -> Vec<&str> {
    package
        .features
        .keys()
        .map(String::as_str)
        .filter(|name| *name != "default")
        .collect()
}

/// The cargo flags of each combination; those that would be equal only once.
fn selections(features: &[&str]) -> Vec<Vec<String>> {
    let none = "--no-default-features".to_owned();
    let mut all = vec![vec![none.clone()]];
    all.extend(
        features
            .iter()
            .map(|name| vec![none.clone(), format!("--features={name}")]),
    );
    if features.len() > 1 {
        all.push(vec!["--all-features".to_owned()]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(features: &[&str], want: &[&str]) {
        let got: Vec<String> = selections(features).iter().map(|flags| flags.join(" ")).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn none_each_and_all() {
        check(&[], &["--no-default-features"]);
        check(
            &["gzip"],
            &["--no-default-features", "--no-default-features --features=gzip"],
        );
        check(
            &["gzip", "zstd"],
            &[
                "--no-default-features",
                "--no-default-features --features=gzip",
                "--no-default-features --features=zstd",
                "--all-features",
            ],
        );
    }
}
