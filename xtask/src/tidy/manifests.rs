//! A member's manifest inherits: lints, versions and edition stand once, in the root.

use toml::Table;

use super::{Finding, line_where};

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let manifest = match text.parse::<Table>() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Finding::new(path, 1, format!("not TOML: {}", error.message()))],
    };
    let mut findings = Vec::new();
    if !inherits(manifest.get("lints")) {
        findings.push(Finding::new(path, 1, "no `[lints] workspace = true`"));
    }
    for table in tables(&manifest) {
        for (name, value) in table {
            if !inherits(Some(value)) {
                let line = line_where(text, |line| {
                    line.strip_prefix(name.as_str())
                        .is_some_and(|rest| rest.starts_with([' ', '=', '.']))
                });
                let message =
                    format!("`{name}` has to be `workspace = true`: versions stand once, in the root");
                findings.push(Finding::new(path, line, message));
            }
        }
    }
    findings
}

fn inherits(value: Option<&toml::Value>) -> bool {
    value
        .and_then(|value| value.get("workspace"))
        .and_then(toml::Value::as_bool)
        == Some(true)
}

/// Every table of dependencies, also those for some platforms only.
fn tables(manifest: &Table) -> Vec<&Table> {
    let mut owners = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        owners.extend(targets.values().filter_map(toml::Value::as_table));
    }
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    owners
        .iter()
        .flat_map(|owner| kinds.iter().filter_map(|kind| owner.get(*kind)?.as_table()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_messages(text: &str, want: &[(usize, &str)]) {
        let got = check("Cargo.toml", text);
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
    fn inherited() {
        check_messages(
            "[dependencies]\nbytes.workspace = true\ntokio = { workspace = true, features = [\"fs\"] }\n\
             [lints]\nworkspace = true\n",
            &[],
        );
    }

    #[test]
    fn not_inherited() {
        check_messages("[dependencies]\n", &[(1, "no `[lints]")]);
        let lints = "[lints]\nworkspace = true\n";
        check_messages(
            &format!("{lints}[dependencies]\nbytes = \"1\"\n"),
            &[(4, "`bytes`")],
        );
        check_messages(
            &format!("{lints}[dev-dependencies]\nbytes = {{ path = \"x\" }}\n"),
            &[(4, "`bytes`")],
        );
        check_messages(
            &format!("{lints}[target.'cfg(unix)'.dependencies]\nrustix = \"1\"\n"),
            &[(4, "`rustix`")],
        );
        check_messages("[lints\n", &[(1, "not TOML")]);
    }
}
