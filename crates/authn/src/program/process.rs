//! One run of a helper.

use std::io;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use zeroize::Zeroizing;

use crate::{HelperFault, HelperVerb};

/// How much of a helper's complaints is repeated, in bytes.
pub(super) const MAX_EXCERPT: usize = 1 << 10;

/// What a helper left behind when it ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Zeroizing<Vec<u8>>,
    /// The beginning.
    pub(super) stderr: Zeroizing<Vec<u8>>,
}

/// How long more is waited for the end of what a helper says once it has ended itself: something that it has
/// started may hold its pipes for ever.
const DRAIN: Duration = Duration::from_secs(1);

/// Runs a helper with `input` on its standard input. Dropping the future kills it and, on Linux, what it has
/// started.
///
/// It stays in our process group, so that it can talk to the terminal.
pub(super) async fn run(
    program: &Path,
    verb: HelperVerb,
    input: &[u8],
    limit: usize,
) -> Result<Ended, HelperFault> {
    let failed = |source| HelperFault::Run { source };
    let child = Command::new(program)
        .arg(verb.as_str())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let mut child = Running(child);
    // As large as they can get, so that no copy of a secret stays behind from growing.
    let mut stdout = Zeroizing::new(Vec::with_capacity(limit + 1));
    let mut stderr = Zeroizing::new(Vec::with_capacity(MAX_EXCERPT));
    {
        let (stdin, out, err) = (child.0.stdin.take(), child.0.stdout.take(), child.0.stderr.take());
        let mut talk = pin!(async {
            tokio::try_join!(
                tell(stdin, input),
                answer(out, &mut stdout, limit),
                complaint(err, &mut stderr)
            )
        });
        tokio::select! {
            biased;
            said = &mut talk => { said?; }
            ended = child.0.wait() => {
                ended.map_err(failed)?;
                // What it said itself is in the pipes by now.
                if let Ok(said) = tokio::time::timeout(DRAIN, talk).await {
                    said?;
                }
            }
        }
    }
    let status = child.0.wait().await.map_err(failed)?;
    Ok(Ended {
        status,
        stdout,
        stderr,
    })
}

/// A helper that is killed when this is dropped, unless it was waited for.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // The child itself is tokio's to kill, and to collect.
        #[cfg(target_os = "linux")]
        if let Some(id) = self.0.id() {
            super::tree::kill(id);
        }
    }
}

async fn tell(stdin: Option<ChildStdin>, input: &[u8]) -> Result<(), HelperFault> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    match stdin.write_all(input).await {
        // It need not want to know.
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => Err(HelperFault::Run { source }),
        _ => Ok(()),
    }
}

/// Reads all, which may not be more than `limit`.
async fn answer(from: Option<ChildStdout>, into: &mut Vec<u8>, limit: usize) -> Result<(), HelperFault> {
    fill(from, into, limit + 1).await?;
    match into.len() > limit {
        true => Err(HelperFault::TooLarge { limit: limit as u64 }),
        false => Ok(()),
    }
}

/// Reads all and keeps the beginning: a helper must not be stuck on a full pipe.
async fn complaint(from: Option<ChildStderr>, into: &mut Vec<u8>) -> Result<(), HelperFault> {
    let Some(mut from) = from else { return Ok(()) };
    fill(Some(&mut from), into, MAX_EXCERPT).await?;
    match tokio::io::copy(&mut from, &mut tokio::io::sink()).await {
        Ok(_) => Ok(()),
        Err(source) => Err(HelperFault::Run { source }),
    }
}

/// Reads until there are `most` bytes or no more come. What was read is there also if the future is dropped.
async fn fill(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    most: usize,
) -> Result<(), HelperFault> {
    let Some(from) = from else { return Ok(()) };
    let mut from = from.take(most as u64);
    // One that is full would grow to take nothing.
    while into.len() < most {
        match from.read_buf(into).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(source) => return Err(HelperFault::Run { source }),
        }
    }
    Ok(())
}
