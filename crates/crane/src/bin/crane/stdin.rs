//! Standard input.
//!
//! It is read on a thread that nobody waits for: a command that a signal ends must not wait for somebody to type.

use std::io::{self, IsTerminal as _, Read as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};

use crate::failure::Failure;

/// The path that stands for standard input or output.
pub(crate) const DASH: &str = "-";

/// More is not read where a text is expected.
const MAX_TEXT: u64 = 4 << 20;

/// Whether it is being read. It stays so when who reads is given up.
static READING: AtomicBool = AtomicBool::new(false);

/// Whether the command reads standard input, or did when it was given up: it was begun, and did not end.
pub(crate) fn is_read() -> bool {
    READING.load(Ordering::Relaxed)
}

/// Standard input for whoever reads it as it comes.
pub(crate) fn reader() -> impl AsyncRead + Send + Unpin {
    Told(tokio::io::stdin())
}

/// A reader that tells when it is read.
struct Told<R>(R);

impl<R: AsyncRead + Unpin> AsyncRead for Told<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.0).poll_read(cx, buffer);
        let goes_on = match &polled {
            Poll::Pending => true,
            Poll::Ready(read) => read.is_ok() && buffer.filled().len() > before,
        };
        READING.store(goes_on, Ordering::Relaxed);
        polled
    }
}

/// Runs something that reads standard input, on a thread of its own.
async fn blocking<T: Send + 'static>(read: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    READING.store(true, Ordering::Relaxed);
    let read = tokio::task::spawn_blocking(read).await;
    READING.store(false, Ordering::Relaxed);
    read.map_err(io::Error::other).and_then(|read| read)
}

/// Standard input as a file: an archive is not read from front to back.
pub(crate) async fn spool() -> Result<NamedTempFile, Failure> {
    let failed = |error| Failure::local("reading tarball from stdin", error);
    let file = NamedTempFile::new().map_err(failed)?;
    let mut writer = tokio::fs::File::from_std(file.reopen().map_err(failed)?);
    tokio::io::copy(&mut reader(), &mut writer)
        .await
        .map_err(failed)?;
    writer.flush().await.map_err(failed)?;
    Ok(file)
}

/// All of standard input, which should be a text of at most 4 MiB.
pub(crate) async fn bytes() -> Result<Vec<u8>, Failure> {
    let read = blocking(|| {
        let mut bytes = Vec::new();
        io::stdin().lock().take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_TEXT {
            return Err(io::Error::other("more than 4 MiB"));
        }
        Ok(bytes)
    });
    read.await
        .map_err(|error| Failure::local("reading standard input", error))
}

/// All of standard input, which should be a text of at most 4 MiB.
pub(crate) async fn text() -> Result<String, Failure> {
    let failed = |error| Failure::local("reading standard input", io::Error::other(error));
    String::from_utf8(bytes().await?).map_err(failed)
}

/// Whether somebody sits at both ends.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Asks for a text on the terminal.
pub(crate) async fn ask(prompt: &str, echo: bool) -> Result<String, Failure> {
    let prompt = prompt.to_owned();
    let asked = blocking(move || match echo {
        false => rpassword::prompt_password(prompt),
        true => {
            eprint_prompt(&prompt)?;
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            Ok(line)
        }
    });
    let text = asked.await;
    let text = text.map_err(|error| Failure::local("reading from the terminal", error))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn eprint_prompt(prompt: &str) -> io::Result<()> {
    use std::io::Write as _;

    let mut err = io::stderr().lock();
    err.write_all(prompt.as_bytes())?;
    err.flush()
}
