//! One run of a helper.

use std::io;
use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::json;
use crate::{Credential, HelperFault, Secret};

/// The most that a helper may write as its answer, in bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// How much of a helper's complaints is repeated, in bytes.
const MAX_EXCERPT: usize = 1 << 10;

/// What a helper writes when it has nothing.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user of an identity token.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
struct Answer {
    #[serde(default, rename = "Username", alias = "username")]
    username: String,
    #[serde(default, rename = "Secret", alias = "secret")]
    secret: String,
}

/// Runs `program get`. Dropping the future kills it.
pub(super) async fn get(program: &Path, server: &str) -> Result<Credential, HelperFault> {
    let run = |source| HelperFault::Run { source };
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(run)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());

    let ask = async {
        let Some(mut stdin) = stdin else { return Ok(()) };
        match stdin.write_all(server.as_bytes()).await {
            // It need not want to know.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(run(error)),
            _ => Ok(()),
        }
    };
    let answer = async {
        // As large as it can get, so that no copy of the secret stays behind from growing.
        let mut answer = Zeroizing::new(Vec::with_capacity(MAX_ANSWER as usize + 1));
        if let Some(stdout) = stdout {
            stdout
                .take(MAX_ANSWER + 1)
                .read_to_end(&mut answer)
                .await
                .map_err(run)?;
        }
        if answer.len() as u64 > MAX_ANSWER {
            return Err(HelperFault::TooLarge { limit: MAX_ANSWER });
        }
        Ok(answer)
    };
    let complaint = async {
        match stderr {
            Some(stderr) => beginning(stderr).await.map_err(run),
            None => Ok(Vec::new()),
        }
    };
    let ((), answer, complaint) = tokio::try_join!(ask, answer, complaint)?;
    let status = child.wait().await.map_err(run)?;

    if !status.success() {
        return failed(status.to_string(), &answer, &complaint);
    }
    let answer = str::from_utf8(&answer).map_err(|_| HelperFault::NotUtf8)?;
    let answer: Option<Answer> = json::object(answer).map_err(|source| HelperFault::Answer { source })?;
    let Some(Answer { username, secret }) = answer else {
        return Ok(Credential::Anonymous);
    };
    let secret = Secret::from(secret);
    Ok(match username.as_str() {
        TOKEN_USER => Credential::IdentityToken {
            username: None,
            token: secret,
        },
        "" if secret.is_empty() => Credential::Anonymous,
        _ => Credential::Basic {
            username,
            password: secret,
        },
    })
}

/// Reads all and keeps the beginning: a helper must not be stuck on a full pipe.
async fn beginning(mut from: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut kept = Vec::with_capacity(MAX_EXCERPT);
    (&mut from)
        .take(MAX_EXCERPT as u64)
        .read_to_end(&mut kept)
        .await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(kept)
}

fn failed(status: String, stdout: &[u8], stderr: &[u8]) -> Result<Credential, HelperFault> {
    if stdout.trim_ascii() == NOT_FOUND.as_bytes() {
        return Ok(Credential::Anonymous);
    }
    // Helpers complain on standard output; one that wrote an answer there and failed later wrote a secret.
    let stdout = if stdout.trim_ascii().starts_with(b"{") {
        String::from("…")
    } else {
        one_line(stdout)
    };
    Err(HelperFault::Failed {
        status,
        stdout,
        stderr: one_line(stderr),
    })
}

fn one_line(text: &[u8]) -> String {
    let text = text.trim_ascii();
    let text = String::from_utf8_lossy(&text[..text.len().min(MAX_EXCERPT)]);
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
