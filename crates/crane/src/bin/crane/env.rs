//! The environment of the command line: the only place of this crate that reads it.

use std::path::PathBuf;

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
