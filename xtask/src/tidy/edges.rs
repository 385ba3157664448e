//! Which crate may use which: the table in `docs/ARCHITECTURE.md`, held against what the manifests declare.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Package};

use super::{Finding, line_where};
use crate::workspace::File;

const DOCUMENT: &str = "docs/ARCHITECTURE.md";

/// The test server: any crate below which it does not stand may test against it.
const REGISTRY: &str = "wharf-registry";

/// Other people's programs, for tests: nobody ships it, and every test may have it.
const TESTKIT: &str = "wharf-testkit";

/// Per package, those that it may use.
type Table = BTreeMap<String, Vec<String>>;

#[derive(Debug)]
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    in_tests: bool,
    path: &'a str,
    line: usize,
}

pub(super) fn check(packages: &[Package], files: &[File]) -> Vec<Finding> {
    let text = files
        .iter()
        .find(|file| file.path == DOCUMENT)
        .map_or("", |file| &file.text);
    let table = table(text);
    let members: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();

    let mut findings = unknown(&table, &members);
    let edges: Vec<Edge<'_>> = packages
        .iter()
        .flat_map(|package| edges(package, &members, files))
        .collect();
    findings.extend(edges.iter().filter_map(|edge| judge(&table, edge)));
    findings
}

/// The rows below a header with the columns `package` and `may use`; names stand between backticks.
fn table(text: &str) -> Table {
    let rows = text.lines().map(cells);
    let mut rows = rows.skip_while(|row| row.first() != Some(&"package"));
    let Some(header) = rows.next() else {
        return Table::new();
    };
    let Some(column) = header.iter().position(|cell| *cell == "may use") else {
        return Table::new();
    };
    rows.skip(1)
        .take_while(|row| row.len() == header.len())
        .filter_map(|row| {
            Some((
                quoted(row[0]).next()?.to_owned(),
                quoted(row[column]).map(str::to_owned).collect(),
            ))
        })
        .collect()
}

fn cells(line: &str) -> Vec<&str> {
    let inner = line.strip_prefix('|').and_then(|line| line.strip_suffix('|'));
    inner.map_or_else(Vec::new, |inner| inner.split('|').map(str::trim).collect())
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Rows without a package, and packages without a row. This one is no part of the product.
fn unknown(table: &Table, members: &[&str]) -> Vec<Finding> {
    let gone = table.keys().filter(|name| !members.contains(&name.as_str()));
    let gone = gone.map(|name| format!("`{name}` is in the table, but not in the workspace"));
    let new = members
        .iter()
        .filter(|name| **name != "xtask" && !table.contains_key(**name));
    let new = new.map(|name| format!("`{name}` has no row in the table of crates"));
    gone.chain(new)
        .map(|message| Finding::new(DOCUMENT, 1, message))
        .collect()
}

fn edges<'a>(package: &'a Package, members: &'a [&str], files: &'a [File]) -> impl Iterator<Item = Edge<'a>> {
    let path = package.manifest_path.as_str();
    let manifest = files
        .iter()
        .find(|file| file.path.ends_with("Cargo.toml") && ends_with_path(path, &file.path));
    let (path, text) = manifest.map_or((path, ""), |file| (file.path.as_str(), file.text.as_str()));
    let internal = package
        .dependencies
        .iter()
        .filter(|dependency| members.contains(&dependency.name.as_str()));
    internal.map(move |dependency| Edge {
        from: package.name.as_str(),
        to: &dependency.name,
        in_tests: dependency.kind == DependencyKind::Development,
        path,
        line: line_where(text, |line| {
            line.strip_prefix(dependency.name.as_str())
                .is_some_and(|rest| rest.starts_with([' ', '=', '.']))
        }),
    })
}

/// Whether the absolute path is the one from the root; the root's own manifest is every path's end, so whole folders count.
fn ends_with_path(absolute: &str, relative: &str) -> bool {
    relative.contains('/') && absolute.replace('\\', "/").ends_with(&format!("/{relative}"))
}

fn judge(table: &Table, edge: &Edge<'_>) -> Option<Finding> {
    let may_use = |from: &str, to: &str| {
        table
            .get(from)
            .is_some_and(|uses| uses.iter().any(|name| name == to))
    };
    let as_test_server = edge.in_tests && edge.to == REGISTRY && edge.from != REGISTRY;
    let as_testkit = edge.in_tests && edge.to == TESTKIT;
    let allowed =
        may_use(edge.from, edge.to) || as_testkit || (as_test_server && !may_use(REGISTRY, edge.from));
    let message = format!(
        "{} may not use {}{}: {DOCUMENT} has no such edge",
        edge.from,
        edge.to,
        if edge.in_tests { " in tests" } else { "" },
    );
    (!allowed).then(|| Finding::new(edge.path, edge.line, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Rooms

| package | holds | may use | never |
|---|---|---|---|
| `wharf-name` | names, `Tag` | — | I/O |
| `wharf-v1` | content | — | network |
| `wharf-authn` | credentials | `wharf-name` | HTTP |
| `wharf-registry` | a server | `wharf-name`, `wharf-v1` | |

| other | table |
";

    #[test]
    fn table_of_the_document() {
        let table = table(TEXT);
        assert_eq!(table.len(), 4);
        assert_eq!(table["wharf-name"], <[&str; 0]>::default());
        assert_eq!(table["wharf-registry"], ["wharf-name", "wharf-v1"]);
        assert!(super::table("no table").is_empty());
    }

    #[track_caller]
    fn check_edge(from: &str, to: &str, in_tests: bool, want: Option<&str>) {
        let edge = Edge {
            from,
            to,
            in_tests,
            path: "crates/x/Cargo.toml",
            line: 9,
        };
        let got = judge(&table(TEXT), &edge).map(|finding| finding.to_string());
        assert_eq!(got.as_deref(), want);
    }

    #[test]
    fn normal_edges() {
        check_edge("wharf-authn", "wharf-name", false, None);
        check_edge("wharf-registry", "wharf-v1", false, None);
        check_edge(
            "wharf-v1",
            "wharf-name",
            false,
            Some(
                "crates/x/Cargo.toml:9: wharf-v1 may not use wharf-name: docs/ARCHITECTURE.md has no such edge",
            ),
        );
        check_edge(
            "wharf-authn",
            "wharf-registry",
            false,
            Some(
                "crates/x/Cargo.toml:9: wharf-authn may not use wharf-registry: docs/ARCHITECTURE.md has no such edge",
            ),
        );
    }

    #[test]
    fn the_testkit_is_for_tests() {
        let want = "crates/x/Cargo.toml:9: wharf-authn may not use wharf-testkit: \
                    docs/ARCHITECTURE.md has no such edge";
        check_edge("wharf-authn", "wharf-testkit", false, Some(want));
    }

    #[test]
    fn test_edges() {
        check_edge("wharf-authn", "wharf-name", true, None);
        check_edge("wharf-authn", "wharf-registry", true, None);
        check_edge("wharf-v1", "wharf-testkit", true, None);
        check_edge(
            "wharf-v1",
            "wharf-registry",
            true,
            Some(
                "crates/x/Cargo.toml:9: wharf-v1 may not use wharf-registry in tests: \
                 docs/ARCHITECTURE.md has no such edge",
            ),
        );
    }

    #[test]
    fn table_and_workspace_agree() {
        let members = ["wharf-name", "wharf-v1", "wharf-authn", "wharf-registry", "xtask"];
        assert_eq!(unknown(&table(TEXT), &members), []);
        let messages: Vec<String> = unknown(
            &table(TEXT),
            &["wharf-name", "wharf-authn", "wharf-registry", "wharf-daemon"],
        )
        .into_iter()
        .map(|finding| finding.message)
        .collect();
        assert_eq!(
            messages,
            [
                "`wharf-v1` is in the table, but not in the workspace",
                "`wharf-daemon` has no row in the table of crates"
            ]
        );
    }

    #[test]
    fn manifests_are_told_apart() {
        assert!(ends_with_path(
            "/src/crates/v1/Cargo.toml",
            "crates/v1/Cargo.toml"
        ));
        assert!(!ends_with_path("/src/crates/v1/Cargo.toml", "v1x/Cargo.toml"));
        assert!(!ends_with_path("/src/crates/v1/Cargo.toml", "Cargo.toml"));
    }
}
