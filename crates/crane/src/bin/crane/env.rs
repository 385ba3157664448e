//! The environment of the command line: the only place of this crate that reads it.

/// The port that `registry serve` listens on when no address is given: `PORT`.
pub(crate) fn port() -> Option<String> {
    read("PORT")
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads the environment"
)]
fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
