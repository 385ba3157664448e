//! Other programs, run with our output as theirs.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Why a task stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A program could not be started.
    Start { program: String, source: io::Error },
    /// A program ran and failed.
    Exit { command: String, status: ExitStatus },
    /// A check of our own failed; the text says which and why.
    Check(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, source } => write!(f, "cannot start `{program}`: {source}"),
            Self::Exit { command, status } => write!(f, "`{command}` failed: {status}"),
            Self::Check(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {}

/// Shows the command line, runs it in `root` with the given extra environment, and fails if it does.
pub(crate) fn run(root: &Path, line: &[&str], env: &[(&str, &str)]) -> Result<(), Failure> {
    let shown = shown(line, env);
    println!("$ {shown}");
    flush();
    let status = command(root, line, env)
        .status()
        .map_err(|source| Failure::Start {
            program: line[0].to_owned(),
            source,
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Exit {
            command: shown,
            status,
        })
    }
}

/// Runs a command and returns what it prints; its standard error is ours.
pub(crate) fn output(root: &Path, line: &[&str]) -> Result<String, Failure> {
    let output = command(root, line, &[])
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|source| Failure::Start {
            program: line[0].to_owned(),
            source,
        })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Failure::Exit {
            command: shown(line, &[]),
            status: output.status,
        })
    }
}

/// Our lines and those of a child share a pipe: ours go out before the child writes.
pub(crate) fn flush() {
    // A reader that went away is noticed by the next print.
    let _ = io::stdout().flush();
}

fn command(root: &Path, line: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(line[0]);
    command
        .args(&line[1..])
        .current_dir(root)
        .envs(env.iter().copied());
    command
}

fn shown(line: &[&str], env: &[(&str, &str)]) -> String {
    let env = env.iter().map(|(name, value)| format!("{name}='{value}' "));
    env.chain([line.join(" ")]).collect()
}
