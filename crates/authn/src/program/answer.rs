//! What helpers are told, and what they answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::process::{Ended, MAX_EXCERPT};
use crate::json::{self, Text};
use crate::{Credential, HelperFault};

/// What a helper writes when it has nothing.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user of an identity token.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
struct Answer {
    #[serde(default, rename = "Username", alias = "username")]
    username: String,
    #[serde(default, rename = "Secret", alias = "secret")]
    secret: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stored<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: &'a str,
    secret: &'a str,
}

/// What is written to `store`.
pub(super) fn to_store(server: &str, credential: &Credential) -> Result<Zeroizing<Vec<u8>>, HelperFault> {
    let (username, secret) = match credential {
        Credential::Basic { username, password } => (username.as_str(), password),
        Credential::IdentityToken { token, .. } => (TOKEN_USER, token),
        Credential::Anonymous | Credential::RegistryToken(_) => return Err(HelperFault::Unstorable),
    };
    // With room for each character escaped, no copy of the secret stays behind from growing.
    let room = 64 + 6 * (server.len() + username.len() + secret.expose().len());
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    let stored = Stored {
        server_url: server,
        username,
        secret: secret.expose(),
    };
    serde_json::to_writer(&mut *text, &stored).expect("texts are JSON, and memory takes them");
    Ok(text)
}

/// The answer to `get`.
pub(super) fn got(ended: &Ended) -> Result<Credential, HelperFault> {
    if !ended.status.success() {
        return match is_not_found(ended) {
            true => Ok(Credential::Anonymous),
            false => Err(failed(ended)),
        };
    }
    let answer: Option<Answer> = parse(ended)?;
    let Some(Answer {
        username,
        secret: Text(secret),
    }) = answer
    else {
        return Ok(Credential::Anonymous);
    };
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

/// The answer to `store`. A helper may repeat what it was told, so what it says is not repeated.
pub(super) fn stored(ended: &Ended) -> Result<(), HelperFault> {
    match ended.status.success() {
        true => Ok(()),
        false => Err(HelperFault::Failed {
            status: ended.status.to_string(),
            stdout: hidden(&ended.stdout),
            stderr: hidden(&ended.stderr),
        }),
    }
}

/// The answer to `erase`. To have nothing to forget is no failure.
pub(super) fn erased(ended: &Ended) -> Result<(), HelperFault> {
    match ended.status.success() || is_not_found(ended) {
        true => Ok(()),
        false => Err(failed(ended)),
    }
}

/// The answer to `list`: users by registry.
pub(super) fn listed(ended: &Ended) -> Result<BTreeMap<String, String>, HelperFault> {
    match ended.status.success() {
        true => Ok(parse::<BTreeMap<_, _>>(ended)?.unwrap_or_default()),
        false => Err(failed(ended)),
    }
}

fn parse<'a, T: Deserialize<'a>>(ended: &'a Ended) -> Result<Option<T>, HelperFault> {
    let answer = str::from_utf8(&ended.stdout).map_err(|_| HelperFault::NotUtf8)?;
    json::object(answer).map_err(|source| HelperFault::Answer { source })
}

fn is_not_found(ended: &Ended) -> bool {
    ended.stdout.trim_ascii() == NOT_FOUND.as_bytes()
}

fn failed(ended: &Ended) -> HelperFault {
    // Helpers complain on standard output; one that wrote an answer there and failed later wrote a secret.
    let stdout = if ended.stdout.trim_ascii().starts_with(b"{") {
        hidden(&ended.stdout)
    } else {
        one_line(&ended.stdout)
    };
    HelperFault::Failed {
        status: ended.status.to_string(),
        stdout,
        stderr: one_line(&ended.stderr),
    }
}

/// Says that there was something.
fn hidden(text: &[u8]) -> String {
    match text.trim_ascii() {
        b"" => String::new(),
        _ => "…".to_owned(),
    }
}

fn one_line(text: &[u8]) -> String {
    let text = text.trim_ascii();
    let text = String::from_utf8_lossy(&text[..text.len().min(MAX_EXCERPT)]);
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
