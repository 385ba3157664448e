//! The project's tasks: `cargo xtask ci`, `cargo xtask test`, `cargo xtask tidy`, `cargo xtask bench`.
//!
//! This file only dispatches; each task is a module. There is no other build logic: what CI runs is [`ci`], and anybody can
//! run the same on their own machine.
#![expect(
    clippy::print_stdout,
    reason = "a task talks to whoever runs it; libraries are not concerned"
)]

mod bench;
mod budgets;
mod ci;
mod command;
mod test;
mod tidy;
mod workspace;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <task>

tasks:
  ci              everything that CI checks, in order, with timings
  ci <step>…      only these steps (`cargo xtask ci --list` names them)
  bench [job]…    crane against the peers on PATH, in pairs; draws docs/bench.svg
  bench registry  our registry against docker-registry, in pairs; `bench registry load`: many clients at once
  budgets         what operations cost in requests and round trips, ours and Go's
  test [args]     the whole workspace's tests, all features; args go to `cargo test`
  tidy            the house rules that no compiler checks
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let task = args.next();
    let rest: Vec<String> = args.collect();
    let outcome = match task.as_deref() {
        Some("bench") => bench::run(&root(), &rest),
        Some("budgets") if rest.is_empty() => budgets::run(&root()),
        Some("ci") => ci::run(&root(), &rest),
        Some("test") => test::run(&root(), &rest),
        Some("tidy") if rest.is_empty() => tidy::run(&root()),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            print!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root: the folder above this package's.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("xtask lies in a folder of the workspace")
        .to_path_buf()
}
