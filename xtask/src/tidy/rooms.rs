//! Who reads the README finds every crate that is published.

use super::Finding;
use crate::workspace::File;

const README: &str = "README.md";

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let readme = files
        .iter()
        .find(|file| file.path == README)
        .map_or("", |file| &file.text);
    let manifests = files
        .iter()
        .filter(|file| file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml"));
    manifests
        .filter_map(|file| package(&file.text))
        .filter(|name| !has_row(readme, name))
        .map(|name| Finding::new(README, 1, format!("the table of crates has no row for `{name}`")))
        .collect()
}

/// The name of what is published.
fn package(manifest: &str) -> Option<&str> {
    if manifest.lines().any(|line| line == "publish = false") {
        return None;
    }
    manifest
        .lines()
        .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

/// Its name opens a row, also as a link.
fn has_row(readme: &str, name: &str) -> bool {
    readme
        .lines()
        .any(|line| line.starts_with(&format!("| `{name}`")) || line.starts_with(&format!("| [`{name}`]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_has_a_row() {
        let file = |path: &str, text: &str| File {
            path: path.into(),
            text: text.into(),
        };
        let files = [
            file(
                "README.md",
                "| crate | holds |\n|---|---|\n| `wharf-name` | names |\n| [`wharf-v1`](x) | content |\n",
            ),
            file("crates/name/Cargo.toml", "[package]\nname = \"wharf-name\"\n"),
            file("crates/v1/Cargo.toml", "[package]\nname = \"wharf-v1\"\n"),
            file("crates/wharf/Cargo.toml", "[package]\nname = \"wharf\"\n"),
            file(
                "crates/kit/Cargo.toml",
                "[package]\nname = \"kit\"\npublish = false\n",
            ),
            file("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n"),
        ];
        let got: Vec<String> = check(&files).iter().map(ToString::to_string).collect();
        assert_eq!(got, ["README.md:1: the table of crates has no row for `wharf`"]);
    }
}
