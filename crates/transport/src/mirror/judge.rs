//! Whether an answer is one, or the next server is to be asked.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::CONTENT_TYPE;
use http::{Method, Response, StatusCode};
use http_body::Body as _;

use crate::error::is_temporary_status;
use crate::retry::retry_after;
use crate::{Body, Error};

use super::ask::Ask;
use super::{FailureReason, Role};

/// A server that could not be reached is asked after all others for so long.
const UNREACHABLE: Duration = Duration::from_secs(30);
/// One that asks for fewer requests is so for as long as it says, but not longer than this.
const MAX_COOL_DOWN: Duration = Duration::from_secs(60);
/// So many bytes of a manifest may be blanks at its beginning.
const MAX_BLANKS: usize = 64 << 10;

/// What an answer is worth.
pub(super) enum Verdict {
    Good,
    Bad {
        reason: FailureReason,
        /// Whether the same server may have another answer a little later.
        temporary: bool,
        /// For how long others are to be asked before it.
        cool_down: Option<Duration>,
    },
}

/// The answer is put back together where some of it was read.
pub(super) async fn judge(
    role: Role,
    method: &Method,
    ask: &Ask,
    result: Result<Response<Body>, Error>,
) -> (Verdict, Result<Response<Body>, Shared>) {
    let mut response = match result {
        Ok(response) => response,
        Err(error) => return judge_error(role, error),
    };
    let status = response.status();
    let is_good = status.is_success() || status == StatusCode::NOT_MODIFIED;
    let verdict = match role {
        // What the registry itself says, it says.
        Role::Upstream if !is_temporary_status(status) => Verdict::Good,
        _ if !is_good => Verdict::Bad {
            reason: FailureReason::Status(status),
            temporary: is_temporary_status(status),
            cool_down: retry_after(response.headers(), SystemTime::now()).map(|wait| wait.min(MAX_COOL_DOWN)),
        },
        _ => match content(method, ask, &mut response).await {
            None => Verdict::Good,
            Some(reason) => Verdict::Bad {
                temporary: matches!(&reason, FailureReason::Failed(error) if error.is_temporary()),
                reason,
                cool_down: None,
            },
        },
    };
    (verdict, Ok(response))
}

/// An error that is in the list of failures and may also be the end of all.
pub(super) type Shared = std::sync::Arc<Error>;

fn judge_error(role: Role, error: Error) -> (Verdict, Result<Response<Body>, Shared>) {
    let temporary = error.is_temporary();
    let unanswered = error.registry_error().is_none();
    let error = Shared::new(error);
    if role == Role::Upstream && !temporary {
        return (Verdict::Good, Err(error));
    }
    let verdict = Verdict::Bad {
        reason: match error.status() {
            Some(status) => FailureReason::Status(status),
            None => FailureReason::Failed(Shared::clone(&error)),
        },
        temporary,
        cool_down: (temporary && unanswered).then_some(UNREACHABLE),
    };
    (verdict, Err(error))
}

/// What is wrong with the content of an answer that is good by its status.
async fn content(method: &Method, ask: &Ask, response: &mut Response<Body>) -> Option<FailureReason> {
    let is_page = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| is_page(value.as_bytes()));
    if is_page {
        return Some(FailureReason::WebPage);
    }
    let Ask::Manifest { digest } = ask else {
        return None;
    };
    if let (Some(want), Some(got)) = (digest, response.headers().get("docker-content-digest"))
        && is_other_digest(want, got.to_str().unwrap_or_default())
    {
        return Some(FailureReason::OtherDigest);
    }
    if *method != Method::GET || response.status() != StatusCode::OK {
        return None;
    }
    match begins_as_object(response).await {
        Ok(true) => None,
        Ok(false) => Some(FailureReason::NotAManifest),
        Err(error) => Some(FailureReason::Failed(Shared::new(error))),
    }
}

fn is_page(media_type: &[u8]) -> bool {
    let bare = media_type.split(|byte| *byte == b';').next().unwrap_or_default();
    let bare = bare.trim_ascii();
    bare.eq_ignore_ascii_case(b"text/html") || bare.eq_ignore_ascii_case(b"application/xhtml+xml")
}

/// A registry may hash with another algorithm than the one that was asked with.
fn is_other_digest(want: &str, got: &str) -> bool {
    let algorithm = |digest: &str| digest.split_once(':').map(|(algorithm, _)| algorithm.to_owned());
    algorithm(want) == algorithm(got) && want != got
}

/// Whether the body is a JSON object as far as its first bytes tell. All manifests are.
async fn begins_as_object(response: &mut Response<Body>) -> Result<bool, Error> {
    let body = std::mem::take(response.body_mut());
    let size = body.size_hint().exact();
    let mut rest = body.into_stream();
    let mut read: Vec<Bytes> = Vec::new();
    let mut blanks = 0;
    let is_object = loop {
        let Some(chunk) = rest.next().await.transpose().map_err(Error::from_boxed)? else {
            break false;
        };
        let first = chunk.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        blanks += chunk.len();
        read.push(chunk);
        match first {
            Some(byte) => break byte == b'{',
            None if blanks > MAX_BLANKS => break false,
            None => {}
        }
    };
    let read = stream::iter(read.into_iter().map(Ok));
    *response.body_mut() = Body::one_shot(Box::pin(read.chain(rest)), size);
    Ok(is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(chunks: &[&'static str], want: bool) {
        let whole = chunks.concat();
        for size in [None, Some(whole.len() as u64)] {
            let chunks: Vec<_> = chunks
                .iter()
                .map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))
                .collect();
            let body = Body::one_shot(Box::pin(stream::iter(chunks)), size);
            let mut response = Response::new(body);
            assert_eq!(
                begins_as_object(&mut response).await.expect("no error"),
                want,
                "{whole:?}"
            );
            let after = response.into_body();
            assert_eq!(after.size_hint().exact(), size);
            assert_eq!(after.collect(1 << 20).await.expect("all bytes are there"), whole);
        }
    }

    #[tokio::test]
    async fn objects() {
        check(&["{}"], true).await;
        check(&["", " \n", "\t{", "\"a\":1}"], true).await;
        check(&[], false).await;
        check(&["  ", "\n"], false).await;
        check(&["<!doctype html>"], false).await;
        check(&["\n<html>{}"], false).await;
        check(&["[1]"], false).await;
    }

    #[test]
    fn pages() {
        assert!(is_page(b"text/html"));
        assert!(is_page(b"Text/HTML; charset=utf-8"));
        assert!(!is_page(b"application/json"));
        assert!(!is_page(b"application/octet-stream"));
        assert!(!is_page(b"\xff"));
    }

    #[test]
    fn digests() {
        assert!(is_other_digest("sha256:a", "sha256:b"));
        assert!(!is_other_digest("sha256:a", "sha256:a"));
        assert!(!is_other_digest("sha256:a", "sha512:b"));
        assert!(!is_other_digest("sha256:a", ""));
    }
}
