//! Every cargo feature is explained, beside its name and in the crate's docs.

use super::Finding;

/// `manifest` is a crate's `Cargo.toml`, `lib` its `lib.rs`.
pub(super) fn check(path: &str, manifest: &str, lib: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut in_features = false;
    let mut previous = "";
    for (index, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            in_features = line == "[features]";
        } else if let Some(name) = in_features.then(|| feature(line)).flatten() {
            if !previous.starts_with("## ") {
                findings.push(Finding::new(
                    path,
                    index + 1,
                    format!("feature `{name}` has no `##` line above it"),
                ));
            }
            let cell = format!("`{name}`");
            if !lib
                .lines()
                .any(|line| line.starts_with("//! |") && line.contains(&cell))
            {
                let message = format!("feature `{name}` has no row in the crate docs' table");
                findings.push(Finding::new(path, index + 1, message));
            }
        }
        previous = line;
    }
    findings.extend(implicit(path, manifest));
    findings
}

/// The name that a line of `[features]` begins, other than `default`.
fn feature(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim_end();
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    (is_name && name != "default").then_some(name)
}

/// An optional dependency that no feature names as `dep:…` is itself a feature, which nobody meant to publish.
fn implicit(path: &str, manifest: &str) -> Vec<Finding> {
    let optional = manifest
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains("optional = true"));
    optional
        .filter_map(|(index, line)| {
            let name = line.split([' ', '=', '.']).next()?;
            let named = format!("\"dep:{name}\"");
            let message =
                format!("optional `{name}` is a feature of its own: name it as `dep:{name}` in one");
            (!manifest.contains(&named)).then(|| Finding::new(path, index + 1, message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "//! | feature | adds |\n//! |---|---|\n//! | `gzip` | gzip |\nmod a;\n";

    #[track_caller]
    fn check_messages(manifest: &str, want: &[(usize, &str)]) {
        let got = check("Cargo.toml", manifest, LIB);
        assert_eq!(got.len(), want.len(), "{got:#?}");
        for (finding, (line, part)) in got.iter().zip(want) {
            assert_eq!(
                (finding.line, finding.message.contains(part)),
                (*line, true),
                "{finding}"
            );
        }
    }

    #[test]
    fn documented() {
        check_messages(
            "[features]\ndefault = [\"gzip\"]\n## Gzip.\ngzip = [\n    \"dep:flate2\",\n]\n\n[dependencies]\n\
             flate2 = { workspace = true, optional = true }\ntar.workspace = true\n",
            &[],
        );
    }

    #[test]
    fn undocumented() {
        check_messages("[features]\ngzip = []\n", &[(2, "no `##` line")]);
        check_messages("[features]\n# Plain.\ngzip = []\n", &[(3, "no `##` line")]);
        check_messages("[features]\n## Zstd.\nzstd = []\n", &[(3, "no row")]);
        check_messages(
            "[dependencies]\nflate2 = { workspace = true, optional = true }\n",
            &[(2, "`flate2` is a feature of its own")],
        );
    }
}
