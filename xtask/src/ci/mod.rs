//! `cargo xtask ci`: everything that has to hold before a change is merged.
//!
//! Steps run in order, and all of them run, so that one run tells everything that is wrong.

mod absent;
mod features;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::command::{self, Failure};
use crate::{test, tidy};

struct Step {
    name: &'static str,
    run: fn(&Path) -> Result<(), Failure>,
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        run: fmt,
    },
    Step {
        name: "tidy",
        run: tidy::run,
    },
    Step {
        name: "clippy",
        run: clippy,
    },
    Step {
        name: "test",
        run: |root| test::run(root, &[]),
    },
    Step {
        name: "doc",
        run: doc,
    },
    Step {
        name: "features",
        run: features::run,
    },
    Step {
        name: "absent",
        run: absent::run,
    },
    Step {
        name: "fuzz",
        run: fuzz,
    },
    Step {
        name: "quickstart",
        run: quickstart,
    },
    Step {
        name: "deny",
        run: deny,
    },
];

/// Runs the steps named in `args`, or all of them.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<(), Failure> {
    if args == ["--list"] {
        for step in STEPS {
            println!("{}", step.name);
        }
        return Ok(());
    }
    if let Some(unknown) = args
        .iter()
        .find(|arg| STEPS.iter().all(|step| step.name != **arg))
    {
        return Err(Failure::Check(format!("no such step: {unknown}")));
    }

    let started = Instant::now();
    let mut results = Vec::new();
    for step in STEPS
        .iter()
        .filter(|step| args.is_empty() || args.iter().any(|arg| arg == step.name))
    {
        println!("\n== {}", step.name);
        let began = Instant::now();
        let outcome = (step.run)(root);
        if let Err(failure) = &outcome {
            println!("{failure}");
        }
        results.push((step.name, began.elapsed(), outcome.is_ok()));
    }

    println!("\n{}", summary(&results, started.elapsed()));
    command::flush();
    let failed = results.iter().filter(|(_, _, passed)| !passed).count();
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::Check(format!(
            "{failed} of {} steps failed",
            results.len()
        )))
    }
}

fn fmt(root: &Path) -> Result<(), Failure> {
    command::run(root, &["cargo", "fmt", "--all", "--check"], &[])?;
    let line = "cargo fmt --manifest-path fuzz/Cargo.toml --check";
    command::run(root, &line.split(' ').collect::<Vec<_>>(), &[])
}

fn clippy(root: &Path) -> Result<(), Failure> {
    let line = "cargo clippy --workspace --all-targets --all-features --locked -- -D warnings";
    command::run(root, &line.split(' ').collect::<Vec<_>>(), &[])
}

fn doc(root: &Path) -> Result<(), Failure> {
    let line = "cargo doc --workspace --all-features --no-deps --locked --keep-going";
    command::run(
        root,
        &line.split(' ').collect::<Vec<_>>(),
        &[("RUSTDOCFLAGS", "-D warnings")],
    )
}

/// Whether the fuzz targets still fit what they test; to run them takes a nightly compiler. Their lock file is not held
/// to: it follows the dependencies of the crates by itself.
fn fuzz(root: &Path) -> Result<(), Failure> {
    let line = "cargo check --manifest-path fuzz/Cargo.toml --target-dir target";
    command::run(root, &line.split(' ').collect::<Vec<_>>(), &[])
}

fn quickstart(root: &Path) -> Result<(), Failure> {
    command::run(
        root,
        &["cargo", "run", "--release", "--locked", "--example", "quickstart"],
        &[],
    )
}

/// Advisories are left out: news from outside must not stop a change that did not cause it.
fn deny(root: &Path) -> Result<(), Failure> {
    // What other platforms would link is judged too, so all of it has to be here.
    command::run(root, &["cargo", "fetch", "--locked"], &[])?;
    command::run(
        root,
        &[
            "cargo",
            "deny",
            "--offline",
            "check",
            "bans",
            "licenses",
            "sources",
        ],
        &[],
    )
}

fn summary(results: &[(&str, Duration, bool)], total: Duration) -> String {
    let mut text = String::from("== summary\n");
    for (name, took, passed) in results {
        let verdict = if *passed { "ok" } else { "FAILED" };
        text += &format!("{name:<12} {:>7.1} s  {verdict}\n", took.as_secs_f64());
    }
    text + &format!("{:<12} {:>7.1} s", "total", total.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_names_what_failed() {
        let results = [
            ("fmt", Duration::from_millis(1_240), true),
            ("test", Duration::from_secs(90), false),
        ];
        assert_eq!(
            summary(&results, Duration::from_millis(91_300)),
            "== summary\n\
             fmt              1.2 s  ok\n\
             test            90.0 s  FAILED\n\
             total           91.3 s"
        );
    }

    #[test]
    fn unknown_step_is_refused() {
        let failure = run(Path::new("."), &["lint".to_owned()]).expect_err("no step has that name");
        assert_eq!(failure.to_string(), "no such step: lint");
    }
}
