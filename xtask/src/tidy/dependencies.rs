//! The root's `[workspace.dependencies]`: ours first, then all others; each block sorted; nothing on by default.

use toml::Table;

use super::{Finding, line_where};

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let manifest = match text.parse::<Table>() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Finding::new(path, 1, format!("not TOML: {}", error.message()))],
    };
    let mut findings = Vec::new();
    let section = manifest
        .get("workspace")
        .and_then(|table| table.get("dependencies"));
    for (name, value) in section.and_then(toml::Value::as_table).into_iter().flatten() {
        if value.get("default-features").and_then(toml::Value::as_bool) != Some(false) {
            let message = format!("`{name}` has to say `default-features = false`");
            findings.push(Finding::new(
                path,
                line_where(text, |line| names(line) == Some(name)),
                message,
            ));
        }
    }

    for (index, block) in blocks(text).iter().enumerate() {
        for pair in block.windows(2) {
            let ((_, before, _), (line, name, _)) = (pair[0], pair[1]);
            if before >= name {
                findings.push(Finding::new(
                    path,
                    line,
                    format!("`{name}` has to stand before `{before}`"),
                ));
            }
        }
        for (line, name, is_ours) in block {
            if *is_ours != (index == 0) {
                let message = format!("`{name}` is in the wrong block: our crates first, then all others");
                findings.push(Finding::new(path, *line, message));
            }
        }
    }
    findings
}

/// Line number, name and whether it has a path.
type Entry<'a> = (usize, &'a str, bool);

/// The section's entries, apart where an empty line is.
fn blocks(text: &str) -> Vec<Vec<Entry<'_>>> {
    let mut blocks = vec![Vec::new()];
    let section = text
        .lines()
        .enumerate()
        .skip_while(|(_, line)| *line != "[workspace.dependencies]")
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['));
    for (index, line) in section {
        match names(line) {
            Some(name) => {
                let last = blocks.last_mut().expect("there is always one");
                last.push((index + 1, name, line.contains("path = ")));
            }
            None if line.is_empty() && blocks.last().is_some_and(|block| !block.is_empty()) => {
                blocks.push(Vec::new());
            }
            None => {}
        }
    }
    blocks
}

/// The name that a line gives a value to.
fn names(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(" = ")?;
    name.chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        .then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_messages(entries: &str, want: &[(usize, &str)]) {
        let text = format!("[workspace.dependencies]\n{entries}\n[profile.dev]\n");
        let got = check("Cargo.toml", &text);
        assert_eq!(got.len(), want.len(), "{got:#?}");
        for (finding, (line, part)) in got.iter().zip(want) {
            assert_eq!(
                (finding.line, finding.message.contains(part)),
                (*line, true),
                "{finding}"
            );
        }
    }

    const OURS: &str = "wharf = { path = \"crates/wharf\", default-features = false }\n";

    #[test]
    fn sorted() {
        check_messages(
            &format!(
                "{OURS}\nbytes = {{ version = \"1\", default-features = false }}\n\
                 tar = {{ version = \"0.4\", default-features = false }}\n"
            ),
            &[],
        );
    }

    #[test]
    fn unsorted_mixed_or_with_defaults() {
        check_messages(
            &format!(
                "{OURS}\ntar = {{ version = \"0.4\", default-features = false }}\n\
                 bytes = {{ version = \"1\", default-features = false }}\n"
            ),
            &[(5, "`bytes` has to stand before `tar`")],
        );
        check_messages(
            &format!("{OURS}\n{}", OURS.replace("wharf = ", "wharf-v1 = ")),
            &[(4, "`wharf-v1` is in the wrong block")],
        );
        check_messages(&format!("{OURS}\ntar = \"0.4\"\n"), &[(4, "`tar` has to say")]);
    }
}
