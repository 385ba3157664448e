//! No example is left out of the tests: `ignore` lets it rot.

use super::Finding;

pub(super) fn check_rust(path: &str, text: &str) -> Vec<Finding> {
    check(path, text.lines().map(|line| doc(line).unwrap_or_default()))
}

pub(super) fn check_markdown(path: &str, text: &str) -> Vec<Finding> {
    check(path, text.lines())
}

fn check<'a>(path: &str, lines: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    lines
        .enumerate()
        .filter(|(_, line)| is_ignored(line))
        .map(|(index, _)| Finding::new(path, index + 1, "an `ignore`d example: make it run, or `no_run`"))
        .collect()
}

/// The text of a doc comment's line.
fn doc(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("//!").or_else(|| line.strip_prefix("///"))
}

/// A fence whose info string has the word `ignore`, also as `ignore-windows`.
fn is_ignored(line: &str) -> bool {
    let line = line.trim_start();
    let info = line.trim_start_matches(['`', '~']);
    line.len() - info.len() >= 3
        && info
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(|word| word == "ignore")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust() {
        let good = "/// ```\n/// f();\n/// ```\n/// ```no_run\n//! ```should_panic\nlet s = \"```ignore\";\n";
        assert_eq!(check_rust("a.rs", good), []);
        let bad = "/// ```ignore\n    //! ```rust,ignore\n///  ~~~ignore-windows\n";
        let lines: Vec<usize> = check_rust("a.rs", bad)
            .iter()
            .map(|finding| finding.line)
            .collect();
        assert_eq!(lines, [1, 2, 3]);
    }

    #[test]
    fn markdown() {
        assert_eq!(
            check_markdown("README.md", "We ignore it.\n```sh\nignore\n```\n"),
            []
        );
        assert_eq!(check_markdown("README.md", "\n```rust, ignore\n")[0].line, 2);
    }
}
