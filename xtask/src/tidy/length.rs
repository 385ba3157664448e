//! A file is short enough to be read at once.

use super::Finding;

/// Lines that are not tests; where one gets lost, there is a seam.
const MOST: usize = 600;

pub(super) fn check(path: &str, text: &str) -> Option<Finding> {
    let lines = if is_test(path) { 0 } else { outside_tests(text) };
    (lines > MOST).then(|| {
        Finding::new(
            path,
            MOST,
            format!("{lines} lines outside tests, {MOST} are the most: find the seam"),
        )
    })
}

/// The documents that are of use only while they are short, and their most lines.
const SHORT: &[(&str, usize)] = &[("docs/ARCHITECTURE.md", 250)];

pub(super) fn check_document(path: &str, text: &str) -> Option<Finding> {
    let (_, most) = SHORT.iter().find(|(short, _)| *short == path)?;
    let lines = text.lines().count();
    (lines > *most).then(|| Finding::new(path, *most, format!("{lines} lines, {most} are the most")))
}

/// A file of tests only.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests" || part == "benches")
}

/// Lines outside of `#[cfg(test)] mod … { … }`. Formatted code closes a block where it opened it, column for column.
fn outside_tests(text: &str) -> usize {
    let mut count = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        count += 1;
        if line.trim() != "#[cfg(test)]" {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let is_end = |line: &str| line.strip_prefix(indent) == Some("}");
        // Other attributes may stand between.
        let mut block = lines
            .clone()
            .skip_while(|line| line.trim_start().starts_with("#["));
        let opens = |line: &str| {
            let line = line
                .trim_start()
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub ");
            line.starts_with("mod ") && line.ends_with('{')
        };
        if !block.next().is_some_and(opens) {
            continue;
        }
        count -= 1;
        lines.by_ref().find(|line| is_end(line));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_count(text: &str, want: usize) {
        assert_eq!(outside_tests(text), want, "{text}");
    }

    #[test]
    fn tests_are_not_counted() {
        check_count("fn f() {\n}\n", 2);
        check_count(
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn t() {\n    }\n}\n",
            2,
        );
        check_count(
            "#[cfg(test)]\n#[expect(dead_code, reason = \"x\")]\nmod tests {\n}\nfn after() {}\n",
            1,
        );
        check_count(
            "mod a {\n    #[cfg(test)]\n    mod tests {\n        fn t() {}\n    }\n}\n",
            2,
        );
    }

    #[test]
    fn only_a_block_of_tests_is_left_out() {
        check_count("#[cfg(test)]\nmod tests;\nfn f() {}\n", 3);
        check_count("#[cfg(test)]\nuse a::b;\nfn f() {}\n", 3);
    }

    #[test]
    fn limit() {
        let lines = |n: usize| "// line\n".repeat(n);
        assert_eq!(check("crates/v1/src/a.rs", &lines(600)), None);
        let finding = check("crates/v1/src/a.rs", &lines(601)).expect("one too many");
        assert_eq!(
            finding.message,
            "601 lines outside tests, 600 are the most: find the seam"
        );
        assert_eq!(check("crates/v1/src/a/tests.rs", &lines(601)), None);
        assert_eq!(check("crates/v1/tests/it/main.rs", &lines(601)), None);
    }

    #[test]
    fn documents() {
        let lines = |n: usize| "line\n".repeat(n);
        assert_eq!(check_document("docs/ARCHITECTURE.md", &lines(250)), None);
        assert!(check_document("docs/ARCHITECTURE.md", &lines(251)).is_some());
        assert_eq!(check_document("README.md", &lines(251)), None);
    }
}
