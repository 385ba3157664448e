//! `cargo xtask budgets`: what operations cost, beside what they should and what Go's crane takes.

use std::path::Path;

use crate::command::{self, Failure};

/// With what the tests begin the lines that belong to the table.
const MARK: &str = "budget\t";

const HEADINGS: [&str; 4] = ["operation (requests / round trips)", "ours", "target", "Go"];

/// Runs the tests that count requests, and prints what they counted. The figures of Go were measured once, by the same
/// count and with a fixed delay for each request.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let mut line = vec![
        "cargo",
        "test",
        "--quiet",
        "--package",
        "wharf-remote",
        "--test",
        "it",
        "budget::",
    ];
    line.extend(["--", "--nocapture", "--test-threads=1"]);
    let text = command::output(root, &line)?;
    // The progress of the tests stands on the same lines.
    let found = text.lines().filter_map(|line| line.split_once(MARK));
    let mut rows: Vec<Vec<&str>> = vec![HEADINGS.to_vec()];
    rows.extend(found.map(|(_, row)| row.split('\t').collect()));
    let width = rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
    for row in &rows {
        let cell = |at: usize| {
            row.get(at)
                .copied()
                .filter(|cell| !cell.is_empty())
                .unwrap_or("-")
        };
        println!(
            "{:width$}  {:>9}  {:>9}  {:>9}",
            cell(0),
            cell(1),
            cell(2),
            cell(3)
        );
    }
    if rows.len() == 1 {
        return Err(Failure::Check("no test told its budget".to_owned()));
    }
    Ok(())
}
