//! All that the command line prints: results on standard output, the rest on standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use futures_util::StreamExt as _;
use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt as _, BufWriter, Stdout};
use wharf::v1::ByteStream;
use wharf_crane::Stored;

use crate::bars::Bars;
use crate::failure::{Failure, tame};
use crate::{env, json};

/// Writes results to standard output. Whatever cannot be written is the command's failure.
///
/// Writes happen on a thread of their own: a reader that does not read must not keep the command
/// from noticing a signal.
///
/// What a registry or a file says is printed as it is, except to a terminal: there control characters are escaped.
pub(crate) struct Printer {
    out: BufWriter<Stdout>,
    is_terminal: bool,
}

impl Printer {
    pub(crate) fn new() -> Self {
        Self {
            out: BufWriter::new(tokio::io::stdout()),
            is_terminal: io::stdout().is_terminal(),
        }
    }

    /// Prints one line.
    pub(crate) async fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        self.queue(line).await?;
        self.flush().await
    }

    /// Prints a value as indented JSON.
    pub(crate) async fn json(&mut self, value: &(impl Serialize + Sync)) -> Result<(), Failure> {
        // Fails only for maps whose keys are no texts, of which what is printed has none.
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Output(error.into()))?;
        self.line(text).await
    }

    /// Prints what was stored: its name, or all about it as JSON.
    pub(crate) async fn stored(&mut self, stored: &Stored, json: bool) -> Result<(), Failure> {
        match json {
            true => self.json(stored).await,
            false => self.line(stored).await,
        }
    }

    /// Prints a document as it is, or as indented JSON.
    pub(crate) async fn document(&mut self, bytes: &[u8], json: bool) -> Result<(), Failure> {
        match json {
            true => self.line(json::indented(bytes)?).await,
            false => self.bytes(bytes).await,
        }
    }

    /// Prints a document.
    pub(crate) async fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.is_terminal {
            self.text(&String::from_utf8_lossy(bytes)).await?;
        } else {
            self.out.write_all(bytes).await.map_err(Failure::output)?;
        }
        self.flush().await
    }

    /// One line of many: shown with the next [`flush`](Self::flush) at the latest.
    pub(crate) async fn queue(&mut self, line: impl Display) -> Result<(), Failure> {
        self.text(&format!("{line}\n")).await
    }

    async fn text(&mut self, text: &str) -> Result<(), Failure> {
        let text = match self.is_terminal {
            true => tame(text),
            false => text.into(),
        };
        self.out.write_all(text.as_bytes()).await.map_err(Failure::output)
    }

    /// For those who write as they go.
    pub(crate) fn writer(&mut self) -> &mut (impl AsyncWrite + Send + use<>) {
        &mut self.out
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().await.map_err(Failure::output)
    }

    /// Prints a blob as it comes and as it is, `action` says for what.
    pub(crate) async fn stream(
        &mut self,
        mut stream: ByteStream,
        action: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) => self.out.write_all(&chunk).await.map_err(Failure::output)?,
                Err(error) => {
                    self.flush().await?;
                    return Err(Failure::Doing {
                        action: action(),
                        source: Box::new(error.into()),
                    });
                }
            }
        }
        self.flush().await
    }
}

/// Prints a text that was asked for, such as help.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Failure::output)
}

/// Prints what a command line without a command gets.
pub(crate) fn hint(text: &str) {
    to_stderr(format_args!("{text}"));
}

/// Prints the line of a failed command, and what can be done about it.
pub(crate) fn failure(failure: &Failure) {
    if let Some(line) = failure.line() {
        to_stderr(format_args!("Error: {line}\n"));
    }
    if let Some(hint) = failure.hint() {
        to_stderr(format_args!("Hint: {hint}\n"));
    }
}

/// How standard error is used.
struct Mode {
    quiet: bool,
    /// Bars are drawn below what else is printed.
    bars: Option<Bars>,
}

static MODE: OnceLock<Mode> = OnceLock::new();

/// Sets how standard error is used: bars are for terminals, where nothing else is in the way. Before this is called, and
/// when it is called again, nothing changes.
pub(crate) fn init(quiet: bool, verbose: bool) {
    let wanted = !quiet && !verbose && io::stderr().is_terminal() && env::is_capable_terminal();
    let bars = wanted.then(|| Bars::new(env::wants_color()));
    let _ = MODE.set(Mode { quiet, bars });
}

/// The bars, if there are any.
pub(crate) fn bars() -> Option<&'static Bars> {
    MODE.get()?.bars.as_ref()
}

fn is_quiet() -> bool {
    MODE.get().is_some_and(|mode| mode.quiet)
}

/// Prints one line of the log: when, then what.
pub(crate) fn log(line: impl Display) {
    if is_quiet() {
        return;
    }
    let now = jiff::ZonedDateTime::now().strftime("%Y/%m/%d %H:%M:%S");
    to_stderr(format_args!("{now} {line}\n"));
}

/// Prints what a registry warned of, in bold yellow where that can be seen.
pub(crate) fn warning(text: &str) {
    if is_quiet() {
        return;
    }
    if io::stderr().is_terminal() && env::wants_color() {
        to_stderr(format_args!("\x1b[1;33m[WARNING]\x1b[0m: {text}\n"));
    } else {
        to_stderr(format_args!("[WARNING]: {text}\n"));
    }
}

/// Prints a request or an answer as it goes over the wire: whole lines.
pub(crate) fn wire(text: &str) {
    to_stderr(format_args!("{text}"));
}

/// A standard error that nobody reads is no reason to fail, and there is nobody to tell.
fn to_stderr(text: std::fmt::Arguments<'_>) {
    let write = || {
        let _ = io::stderr().lock().write_fmt(text);
    };
    match bars() {
        Some(bars) => bars.suspend(write),
        None => write(),
    }
}
