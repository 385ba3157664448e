//! A module is named for what is inside, and a crate has one binary of integration tests.

use super::Finding;

/// Names that say nothing.
const EMPTY: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(name) = module(line).filter(|name| EMPTY.contains(name)) {
            findings.push(Finding::new(
                path,
                index + 1,
                format!("`mod {name}`: name what is inside"),
            ));
        }
        if line.trim() == "#[ignore]" || line.trim_start().starts_with("#[ignore =") {
            findings.push(Finding::new(path, index + 1, "`#[ignore]`: a test runs or goes"));
        }
    }
    // Each file in `tests/` is linked on its own, for minutes in sum.
    if let ["crates", name, "tests", file] = path.split('/').collect::<Vec<_>>()[..] {
        findings.push(Finding::new(
            path,
            1,
            format!("integration tests of {name} go to tests/it/, not {file}"),
        ));
    }
    findings
}

/// The name in `mod name;` or `mod name {`.
fn module(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub") {
        Some(rest) => rest.trim_start_matches(|c| c != ' ').trim_start(),
        None => line,
    };
    line.strip_prefix("mod ")?.split([';', ' ']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_lines(path: &str, text: &str, want: &[usize]) {
        let got: Vec<usize> = check(path, text).iter().map(|finding| finding.line).collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn modules() {
        check_lines(
            "crates/v1/src/lib.rs",
            "mod digest;\npub mod utility;\n// mod util;\n",
            &[],
        );
        check_lines(
            "crates/v1/src/lib.rs",
            "mod util;\npub mod common;\npub(crate) mod helpers {\n",
            &[1, 2, 3],
        );
    }

    #[test]
    fn ignored_tests() {
        check_lines(
            "crates/v1/src/a.rs",
            "#[test]\n#[ignore]\nfn f() {}\n#[ignore = \"slow\"]\n",
            &[2, 4],
        );
        check_lines("crates/v1/src/a.rs", "#[ignored]\n", &[]);
    }

    #[test]
    fn one_test_binary() {
        check_lines("crates/v1/tests/it/main.rs", "", &[]);
        check_lines("crates/v1/tests/pull.rs", "", &[1]);
    }
}
