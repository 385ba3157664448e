//! Why a command failed, and what the process says about it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use wharf::transport::mirror::ConfigError;

use crate::signals::Signal;
use crate::stdin;

/// Exit status of a process that a broken pipe ended, as shells count it.
const STATUS_SIGPIPE: u8 = 128 + 13;
/// Exit status of a process that somebody interrupted at their keyboard, as shells count it.
const STATUS_SIGINT: u8 = 128 + 2;
/// Exit status of a process that was terminated, as shells count it.
const STATUS_SIGTERM: u8 = 128 + 15;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments make no sense.
    #[error("{0}")]
    Usage(String),
    /// The job itself failed.
    #[error(transparent)]
    Job(#[from] wharf_crane::Error),
    /// A job failed whose own error does not say what it was about.
    #[error("{action}")]
    Doing {
        /// What was tried, as `copying blob NAME`.
        action: String,
        /// Why it failed.
        source: Box<wharf_crane::Error>,
    },
    /// A job failed, and it is known what to try instead.
    #[error("{source}")]
    Hinted {
        /// Why it failed.
        source: Box<wharf_crane::Error>,
        /// What to try.
        hint: String,
    },
    /// Something is not what it says it is, for the reasons given.
    #[error("{0}")]
    Invalid(String),
    /// The command has said what there is to say.
    #[error("failed")]
    Reported,
    /// What the command gave cannot be written to standard output.
    #[error("writing to standard output")]
    Output(#[source] io::Error),
    /// The reader of standard output is gone.
    #[error("closed pipe")]
    ClosedPipe,
    /// Something of this process's own surroundings failed; the text says what was tried.
    #[error("{action}")]
    Local {
        /// What was tried, as `writing FILE`.
        action: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A directory cannot be used to keep a registry in.
    #[error("opening {} as a registry", .directory.display())]
    Registry {
        /// The directory.
        directory: PathBuf,
        /// Why not.
        source: wharf::registry::store::Error,
    },
    /// The rules for mirrors cannot be used.
    #[error("reading the rules for mirrors")]
    Mirrors(#[source] ConfigError),
    /// The asynchronous runtime cannot start.
    #[error("starting threads")]
    Runtime(#[source] io::Error),
    /// The time is up that the user gave.
    #[error("not done after {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// A signal stopped the command.
    #[error("{0}")]
    Signal(Signal),
}

impl Failure {
    /// Arguments that make no sense.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// What the operating system refused.
    pub(crate) fn local(action: impl Into<String>, source: io::Error) -> Self {
        Self::Local {
            action: action.into(),
            source,
        }
    }

    /// A failed write to standard output.
    pub(crate) fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Output(error),
        }
    }

    /// A failed job that wrote to standard output.
    pub(crate) fn of_writing(error: wharf_crane::Error) -> Self {
        match error {
            wharf_crane::Error::Write(error) => Self::output(error),
            error => Self::Job(error),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::ClosedPipe => ExitCode::from(STATUS_SIGPIPE),
            // Everywhere else it is 1, as scripts know it from the Go tool, which went on waiting here.
            Self::Signal(Signal::Interrupt) if stdin::is_read() => ExitCode::from(STATUS_SIGINT),
            Self::Signal(Signal::Terminate) => ExitCode::from(STATUS_SIGTERM),
            _ => ExitCode::FAILURE,
        }
    }

    /// What to print for it, if anything: `outer: cause: cause of the cause`.
    pub(crate) fn line(&self) -> Option<String> {
        match self {
            Self::ClosedPipe | Self::Reported => None,
            // Our own text, which may list suggestions on lines of their own.
            Self::Usage(text) | Self::Invalid(text) => Some(text.clone()),
            _ => Some(chain(self)),
        }
    }

    /// What people can do about it, if it is known.
    pub(crate) fn hint(&self) -> Option<String> {
        if let Self::Hinted { hint, .. } = self {
            return Some(hint.clone());
        }
        let mut cause: Option<&(dyn StdError + 'static)> = Some(self);
        while let Some(error) = cause {
            // Errors that box it are as good.
            let boxed = error.downcast_ref::<Box<wharf::transport::Error>>();
            if let Some(error) = error.downcast_ref().or(boxed.map(|error| &**error)) {
                return wharf::transport::Error::hint(error);
            }
            cause = error.source();
        }
        None
    }
}

/// Joins an error and its causes, on one line and safe to show on a terminal: some of the words come
/// from a registry.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Wrappers that show their cause's own words would say everything twice.
        if !text.ends_with(&next) {
            let _ = write!(text, ": {next}");
        }
        cause = error.source();
    }
    printable(&text)
}

/// A text that may come from a registry, safe to show on a terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

/// A text that may come from a registry, as it is but for what a terminal would act on. Lines and tabs stay.
pub(crate) fn tame(text: &str) -> Cow<'_, str> {
    let is_wild = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(is_wild) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len());
    for c in text.chars() {
        match is_wild(c) {
            true => tamed.extend(c.escape_default()),
            false => tamed.push(c),
        }
    }
    Cow::Owned(tamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_not_told_what_to_do() {
        assert_eq!(tame("a\tb\nö\n"), "a\tb\nö\n");
        assert_eq!(tame("v1\u{1b}[2J\r\u{9b}31m"), "v1\\u{1b}[2J\\r\\u{9b}31m");
    }

    #[test]
    fn chain_is_one_printable_line() {
        let cause = io::Error::other("denied\n\u{1b}[31mred");
        let failure = Failure::Local {
            action: "writing f".to_owned(),
            source: cause,
        };
        assert_eq!(
            failure.line().as_deref(),
            Some("writing f: denied \\u{1b}[31mred")
        );
    }

    #[test]
    fn closed_pipe_is_quiet() {
        let failure = Failure::output(io::ErrorKind::BrokenPipe.into());
        assert!(failure.line().is_none());
    }
}
