//! `cargo xtask test`: unit, integration and doc tests of the whole workspace.

use std::path::Path;

use crate::command::{self, Failure};

/// Runs `cargo test` on everything; `args` follow, such as a test's name or `-- --nocapture`.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<(), Failure> {
    // Plain `cargo test`: it needs nothing installed and is the only runner that knows doc tests.
    let mut line = vec!["cargo", "test", "--workspace", "--all-features", "--locked"];
    // A failing crate must not hide the results of the ones after it.
    line.push("--no-fail-fast");
    line.extend(args.iter().map(String::as_str));
    command::run(root, &line, &[])
}
