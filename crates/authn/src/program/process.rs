//! One run of a helper.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
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

/// Runs a helper with `input` on its standard input. Dropping the future kills it.
///
/// It stays in our process group, so that it can talk to the terminal, and a program that it has started
/// itself is not killed with it; but nobody waits for that one.
pub(super) async fn run(
    program: &Path,
    verb: HelperVerb,
    input: &[u8],
    limit: usize,
) -> Result<Ended, HelperFault> {
    let failed = |source| HelperFault::Run { source };
    let mut child = Command::new(program)
        .arg(verb.as_str())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());

    let ask = async {
        let Some(mut stdin) = stdin else { return Ok(()) };
        match stdin.write_all(input).await {
            // It need not want to know.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(failed(error)),
            _ => Ok(()),
        }
    };
    let answer = async {
        // As large as it can get, so that no copy of the secret stays behind from growing.
        let mut answer = Zeroizing::new(Vec::with_capacity(limit + 1));
        if let Some(stdout) = stdout {
            let mut stdout = stdout.take(limit as u64 + 1);
            stdout.read_to_end(&mut answer).await.map_err(failed)?;
        }
        if answer.len() > limit {
            return Err(HelperFault::TooLarge { limit: limit as u64 });
        }
        Ok(answer)
    };
    let complaint = async {
        match stderr {
            Some(stderr) => beginning(stderr).await.map_err(failed),
            None => Ok(Zeroizing::default()),
        }
    };
    let ((), stdout, stderr) = tokio::try_join!(ask, answer, complaint)?;
    let status = child.wait().await.map_err(failed)?;
    Ok(Ended {
        status,
        stdout,
        stderr,
    })
}

/// Reads all and keeps the beginning: a helper must not be stuck on a full pipe.
async fn beginning(mut from: impl AsyncRead + Unpin) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(MAX_EXCERPT));
    (&mut from)
        .take(MAX_EXCERPT as u64)
        .read_to_end(&mut kept)
        .await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(kept)
}
