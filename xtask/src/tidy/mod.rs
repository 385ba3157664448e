//! `cargo xtask tidy`: the house rules that no compiler checks.
//!
//! Each rule is a file here, and a function from text to findings.

mod crate_root;
mod dependencies;
mod edges;
mod environment;
mod examples;
mod features;
mod length;
mod manifests;
mod naming;
mod pointers;
mod rooms;

use std::fmt;
use std::path::Path;

use crate::command::Failure;
use crate::workspace::{self, File};

/// A broken rule and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// From 1.
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Prints every finding; fails if there is one.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let files = workspace::files(root)?;
    let mut findings = Vec::new();
    for file in &files {
        findings.extend(check_file(file, &files));
        if file.path.ends_with(".md") {
            findings.extend(pointers::check(
                &file.path,
                &file.text,
                &files,
                pointers::on_disk(root),
            ));
        }
    }
    findings.extend(edges::check(&workspace::metadata(root)?.packages, &files));
    findings.extend(environment::check(&files));
    findings.extend(rooms::check(&files));

    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files, nothing to report", files.len());
            Ok(())
        }
        n => Err(Failure::Check(format!("tidy: {n} findings"))),
    }
}

/// The rules that look at one file, or at one and its neighbour.
fn check_file(file: &File, all: &[File]) -> Vec<Finding> {
    let File { path, text } = file;
    let mut findings = Vec::new();
    if path.ends_with(".rs") {
        findings.extend(length::check(path, text));
        findings.extend(naming::check(path, text));
        findings.extend(examples::check_rust(path, text));
    }
    if path.ends_with(".md") {
        findings.extend(length::check_document(path, text));
        findings.extend(examples::check_markdown(path, text));
    }
    if path.starts_with("crates/") && path.ends_with("/src/lib.rs") {
        findings.extend(crate_root::check(path, text));
    }
    if path == "Cargo.toml" {
        findings.extend(dependencies::check(path, text));
    } else if path.ends_with("/Cargo.toml") && !path.starts_with("fuzz/") {
        findings.extend(manifests::check(path, text));
        let lib = path.replace("Cargo.toml", "src/lib.rs");
        let lib = all
            .iter()
            .find(|file| file.path == lib)
            .map_or("", |file| &file.text);
        findings.extend(features::check(path, text, lib));
    }
    findings
}

/// The first line of `text` for which `is` holds, from 1; the first line of the file if there is none.
fn line_where(text: &str, is: impl Fn(&str) -> bool) -> usize {
    text.lines().position(is).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finding_reads_like_a_compiler_message() {
        let finding = Finding::new("crates/v1/src/lib.rs", 7, "a glob");
        assert_eq!(finding.to_string(), "crates/v1/src/lib.rs:7: a glob");
    }

    #[test]
    fn each_rule_meets_its_files() {
        let rust = File {
            path: "crates/x/src/lib.rs".into(),
            text: "//! X.\nmod util;\nfn f() {}\n".into(),
        };
        let manifest = File {
            path: "crates/x/Cargo.toml".into(),
            text: "[features]\ngzip = []\n[dependencies]\n".into(),
        };
        let all = [rust, manifest];
        let messages = |file: &File| -> Vec<usize> {
            check_file(file, &all)
                .into_iter()
                .map(|finding| finding.line)
                .collect()
        };
        assert_eq!(messages(&all[0]), [2, 3], "the name, and the function");
        assert_eq!(
            messages(&all[1]),
            [1, 2, 2],
            "the lints, the feature's comment and its row"
        );
    }
}
