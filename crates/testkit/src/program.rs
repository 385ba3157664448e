//! Programs that run to their end.

use std::fmt::Arguments;
use std::io::{self, Write as _};
use std::process::{Command, Output, Stdio};

/// Whether a program is installed. When it is not, the standard error of the tests says that something is skipped.
///
/// # Panics
///
/// If it is there and cannot be started.
#[must_use]
pub fn is_installed(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match found {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            say(format_args!("skipped: {program} not installed"));
            false
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

/// Runs a program, which has to succeed, and gives what it printed.
///
/// # Panics
///
/// If it cannot be started or fails; the message has its command line and its standard error.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Says that a test passes over what a program cannot do here, and why not.
pub fn pass_over(program: &str, why: &str) {
    say(format_args!(
        "skipped: {program} cannot do it here: {}",
        why.trim_end()
    ));
}

/// Sends a signal, named as `kill -s` takes it (`TERM`), to a process.
///
/// # Panics
///
/// If there is no such process.
#[track_caller]
pub fn send(signal: &str, process: u32) {
    run(Command::new("kill").args(["-s", signal, &process.to_string()]));
}

/// Tells whoever runs the tests. What a passing test prints with the macros is not shown.
fn say(line: Arguments<'_>) {
    // Nobody reads it, so nobody misses it.
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_is_given_back() {
        let output = run(Command::new("sh").args(["-c", "printf out; printf err >&2"]));
        assert_eq!((&*output.stdout, &*output.stderr), (&b"out"[..], &b"err"[..]));
    }

    #[test]
    #[should_panic(expected = "exit status: 3: sorry")]
    fn a_failure_says_why() {
        run(Command::new("sh").args(["-c", "printf sorry >&2; exit 3"]));
    }

    #[test]
    #[should_panic(expected = "no-such-program")]
    fn a_program_that_is_missing_fails_a_run() {
        run(&mut Command::new("no-such-program-anywhere"));
    }
}
