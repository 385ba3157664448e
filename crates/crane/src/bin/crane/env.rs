//! The environment of the command line: the only place of this crate that reads it.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::failure::Failure;

/// The port that `registry serve` listens on when no address is given: `PORT`.
pub(crate) fn port() -> Option<String> {
    read("PORT")
}

/// Whether a terminal may be shown colours: not with `NO_COLOR`, even an empty one, nor with `TERM=dumb`.
pub(crate) fn wants_color() -> bool {
    !is_set("NO_COLOR") && read("TERM").as_deref() != Some("dumb")
}

/// The user's editor, perhaps with arguments: `EDITOR`, by default `vi`.
pub(crate) fn editor() -> String {
    read("EDITOR").unwrap_or_else(|| "vi".to_owned())
}

/// Whether a terminal can move its cursor: bars need that.
pub(crate) fn is_capable_terminal() -> bool {
    read("TERM").as_deref() != Some("dumb")
}

/// The time that what is made new says it was made, in seconds since 1970: `SOURCE_DATE_EPOCH`, as builds that can be
/// repeated have it. None if it is not set, an error if it is no such number.
pub(crate) fn source_date() -> Result<Option<SystemTime>, Failure> {
    let Some(text) = read("SOURCE_DATE_EPOCH") else {
        return Ok(None);
    };
    let seconds = text.parse().ok();
    let time = seconds.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    time.map(Some).ok_or_else(|| {
        Failure::usage(format!(
            "SOURCE_DATE_EPOCH is {text:?}, which is no time in seconds"
        ))
    })
}

/// Where the rules for mirrors are when no flag says so: `CRANE_MIRRORS`.
pub(crate) fn mirrors() -> Option<PathBuf> {
    read("CRANE_MIRRORS").map(PathBuf::from)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads the environment"
)]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads the environment"
)]
fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
