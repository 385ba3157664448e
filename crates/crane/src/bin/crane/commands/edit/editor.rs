//! The user's editor.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::{env, stdin};

/// What the user makes of `before`: from standard input where that is no terminal, else in an editor.
pub(super) async fn edited(before: &[u8], what: &str, suffix: &str) -> Result<Vec<u8>, Failure> {
    if !stdin::is_interactive() {
        return stdin::bytes().await;
    }
    let failed = |error| Failure::local(format!("editing {what}"), error);
    let mut file = tempfile::Builder::new()
        .prefix("crane-edit.")
        .suffix(suffix)
        .tempfile()
        .map_err(failed)?;
    file.write_all(before)
        .and_then(|()| file.flush())
        .map_err(failed)?;
    let editor = env::editor();
    let path = file.path().to_owned();
    let run = move || -> io::Result<()> {
        let mut words = editor.split_whitespace();
        let program = words.next().unwrap_or("vi");
        let status = Command::new(program)
            .args(words)
            .arg(&path)
            .stdin(Stdio::inherit())
            .status()?;
        match status.success() {
            true => Ok(()),
            false => Err(io::Error::other(format!("{program}: {status}"))),
        }
    };
    let done = tokio::task::spawn_blocking(run).await;
    done.map_err(io::Error::other)
        .and_then(|done| done)
        .map_err(failed)?;
    // Editors put a new file in the place of the old one.
    std::fs::read(file.path()).map_err(failed)
}
