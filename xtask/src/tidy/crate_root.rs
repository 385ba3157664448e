//! `lib.rs` is a table of contents: crate docs, attributes, `mod` and `pub use` lines, and few of them.

use super::Finding;

/// Lines after the crate docs.
const MOST: usize = 60;

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let is_doc = |line: &&str| line.starts_with("//!");
    let docs = text.lines().rev().skip_while(|line| !is_doc(line)).count();
    let mut findings = Vec::new();
    if docs == 0 {
        findings.push(Finding::new(path, 1, "no crate docs"));
    }
    let lines: Vec<&str> = text.lines().skip(docs).collect();
    if lines.len() > MOST {
        let message = format!("{} lines after the docs, {MOST} are the most", lines.len());
        findings.push(Finding::new(path, docs + 1, message));
    }

    // One statement may take several lines: it ends with the line that closes what it opened.
    let mut statement = String::new();
    let mut start = 0;
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim();
        if statement.is_empty() {
            if line.is_empty() || line.starts_with("//") {
                continue;
            }
            start = docs + index + 1;
        }
        statement += line;
        if !is_whole(&statement) {
            statement.push(' ');
            continue;
        }
        if let Some(message) = complaint(&statement) {
            findings.push(Finding::new(path, start, message));
        }
        statement.clear();
    }
    findings
}

fn is_whole(statement: &str) -> bool {
    let count = |open: char, close: char| {
        statement
            .chars()
            .map(|c| i32::from(c == open) - i32::from(c == close))
            .sum::<i32>()
    };
    let closed = count('{', '}') <= 0 && count('[', ']') <= 0 && count('(', ')') <= 0;
    closed && statement.ends_with([';', ']', '}'])
}

fn complaint(statement: &str) -> Option<String> {
    // `#![…]` and `#[…]`, maybe followed by what they are about on the same line.
    if statement.starts_with('#') && statement.ends_with(']') {
        return None;
    }
    let is_module = ["mod ", "pub mod ", "pub(crate) mod "]
        .iter()
        .any(|start| statement.starts_with(start));
    if is_module {
        return statement
            .contains('{')
            .then(|| "a module's body belongs in its own file".to_owned());
    }
    let is_public_use = statement.starts_with("pub use ");
    if is_public_use && statement.contains('*') {
        return Some("a glob re-export hides what the interface is".to_owned());
    }
    if is_public_use {
        return None;
    }
    let shown: String = statement.chars().take(40).collect();
    Some(format!(
        "only `mod` and `pub use` lines belong here, not `{shown}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_messages(text: &str, want: &[(usize, &str)]) {
        let got = check("lib.rs", text);
        assert_eq!(got.len(), want.len(), "{got:#?}");
        for (finding, (line, part)) in got.iter().zip(want) {
            assert_eq!(finding.line, *line, "{finding}");
            assert!(finding.message.contains(part), "{finding}");
        }
    }

    #[test]
    fn table_of_contents() {
        check_messages(
            "//! Docs with `fn f() {}`.\n//!\n//! More.\n\
             #![cfg_attr(docsrs, feature(doc_cfg))]\n\n\
             mod a;\n/// Documented here.\npub mod b;\n#[cfg(test)]\nmod tests;\n\n\
             pub use a::A;\npub use b::{\n    B,\n    C,\n};\n#[cfg(feature = \"x\")]\npub use x as y;\n",
            &[],
        );
    }

    #[test]
    fn anything_else_is_found() {
        check_messages("mod a;\n", &[(1, "no crate docs")]);
        check_messages("//! D.\nfn f() {\n    g();\n}\n", &[(2, "not `fn f() {")]);
        check_messages(
            "//! D.\nmod a;\npub struct S;\nuse std::fmt;\n",
            &[(3, "pub struct S"), (4, "use std::fmt")],
        );
        check_messages(
            "//! D.\nmacro_rules! m {\n    () => {};\n}\n",
            &[(2, "macro_rules! m")],
        );
        check_messages(
            "//! D.\npub use a::*;\npub use b::{\n    c::*,\n};\n",
            &[(2, "glob"), (3, "glob")],
        );
        check_messages("//! D.\nmod tests {\n    fn f() {}\n}\n", &[(2, "own file")]);
    }

    #[test]
    fn length_counts_after_the_docs() {
        let lines = |n: usize| format!("{}{}", "//! D.\n".repeat(200), "mod a;\n".repeat(n));
        check_messages(&lines(60), &[]);
        check_messages(&lines(61), &[(201, "61 lines after the docs")]);
    }
}
