//! Documents point at what is there: relative links, and places in the code.
//!
//! A place is written `remote/src/read/head.rs:head`: a file below `crates/` and, if wanted, an item that it defines.

use std::path::Path;

use super::Finding;
use crate::workspace::File;

/// `path` is the document's; `sources` are the workspace's files.
pub(super) fn check(path: &str, text: &str, sources: &[File], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for target in links(line).filter(|target| !exists(&joined(folder, target))) {
            findings.push(Finding::new(
                path,
                index + 1,
                format!("the link leads nowhere: {target}"),
            ));
        }
        for (file, item) in quoted(line).filter_map(place) {
            let source = sources
                .iter()
                .find(|source| source.path == format!("crates/{file}"));
            let message = match (source, item) {
                (None, _) => format!("there is no crates/{file}"),
                (Some(source), Some(item)) if !defines(&source.text, item) => {
                    format!("crates/{file} does not define `{item}`")
                }
                (Some(_), _) => continue,
            };
            findings.push(Finding::new(path, index + 1, message));
        }
    }
    findings
}

/// Whether something is at `path`, from the root.
pub(super) fn on_disk(root: &Path) -> impl Fn(&str) -> bool {
    |path| root.join(path).exists()
}

/// The targets of a line's links, without those that lead outside or to a heading of the same page.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let targets = targets.map(|target| target.split('#').next().unwrap_or_default());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

fn joined(folder: &str, target: &str) -> String {
    if folder.is_empty() {
        target.to_owned()
    } else {
        format!("{folder}/{target}")
    }
}

fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The file and the item of `crate/src/….rs:item`.
fn place(text: &str) -> Option<(&str, Option<&str>)> {
    let (file, item) = text
        .split_once(':')
        .map_or((text, None), |(file, item)| (file, Some(item)));
    let is_place = file.ends_with(".rs") && file.split('/').nth(1) == Some("src") && !file.contains('*');
    is_place.then_some((file, item))
}

/// Whether one of the text's lines begins an item of this name.
fn defines(text: &str, item: &str) -> bool {
    const KINDS: &[&str] = &["fn", "struct", "enum", "trait", "type", "const", "static", "mod"];
    text.lines().any(|line| {
        let mut words = line
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .skip_while(|word| !KINDS.contains(word));
        // `const fn name`: the last kind is the one before the name.
        words.find(|word| !KINDS.contains(word)) == Some(item)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_messages(text: &str, want: &[&str]) {
        let sources = [File {
            path: "crates/v1/src/digest.rs".into(),
            text: "pub struct Hasher;\nimpl Hasher {\n    pub const fn new() {}\n    pub async fn read<'a>() {}\n}\n".into(),
        }];
        let exists = |path: &str| ["docs/ARCHITECTURE.md", "LICENSE", "docs/../LICENSE"].contains(&path);
        let got: Vec<String> = check("docs/a.md", text, &sources, exists)
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn links() {
        check_messages(
            "[a](ARCHITECTURE.md) [b](ARCHITECTURE.md#rooms) [c](../LICENSE) [d](#here)",
            &[],
        );
        check_messages(
            "[a](https://example.com/x) `[b](nowhere)`",
            &["the link leads nowhere: nowhere"],
        );
    }

    #[test]
    fn places() {
        check_messages(
            "`v1/src/digest.rs` `v1/src/digest.rs:Hasher` `v1/src/digest.rs:new` `v1/src/digest.rs:read`",
            &[],
        );
        check_messages(
            "`lib.rs`, `tests/it/main.rs`, `crates/*/src/lib.rs` and v1/src/gone.rs",
            &[],
        );
        check_messages(
            "`v1/src/gone.rs`, `v1/src/digest.rs:async`, `v1/src/digest.rs:Hash`",
            &[
                "there is no crates/v1/src/gone.rs",
                "crates/v1/src/digest.rs does not define `async`",
                "crates/v1/src/digest.rs does not define `Hash`",
            ],
        );
    }
}
