//! What can go wrong with a credential helper.

use std::io;
use std::time::Duration;

use crate::JsonFault;

/// Why a credential helper gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HelperFault {
    /// This program was built without feature `helper`.
    #[error("built without support for credential helpers")]
    Unsupported,
    /// The name holds characters that no name of a program has, such as `/`.
    #[error("not a name of a program")]
    Name,
    /// Helpers keep passwords and identity tokens, and this is neither.
    #[error("helpers keep passwords and identity tokens only")]
    Unstorable,
    /// There is no such program.
    #[error("executable file not found in PATH")]
    NotFound,
    /// The program cannot be run.
    #[error("cannot be run")]
    Run {
        /// Why not.
        source: io::Error,
    },
    /// The program took too long and was killed.
    #[error("no answer within {} s", .limit.as_secs_f32())]
    TimedOut {
        /// How long it was waited for.
        limit: Duration,
    },
    /// The program wrote too much and was killed.
    #[error("answer larger than {limit} bytes")]
    TooLarge {
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The program failed.
    #[error("{status}, out: `{stdout}`{}", stderr_text(.stderr))]
    Failed {
        /// How it ended: `exit status: 1`.
        status: String,
        /// The beginning of what it wrote to its standard output, in one line.
        stdout: String,
        /// The beginning of what it wrote to its standard error, in one line.
        stderr: String,
    },
    /// The program answered with something other than UTF-8.
    #[error("answer is not UTF-8")]
    NotUtf8,
    /// The program did not answer with the JSON it should.
    #[error("unreadable answer")]
    Answer {
        /// Where and how.
        source: JsonFault,
    },
}

fn stderr_text(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!(", err: `{stderr}`")
    }
}
