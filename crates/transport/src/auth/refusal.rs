//! What an answer says about what was shown.

use std::time::Duration;

use http::{Response, StatusCode};
use http_body::Body as _;

use crate::context::ChallengeError;
use crate::{Body, Error};

use super::sent::Sent;
use super::{Challenge, Shown};

/// Up to this many bytes of a refusal are read, so that its connection can be used again.
const DRAIN_LIMIT: usize = 16 << 10;
/// For so long.
const DRAIN_TIME: Duration = Duration::from_secs(1);

pub(super) fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// Whether a credential was shown to the registry or its token server, and refused.
pub(super) fn was_refused(result: &Result<Response<Body>, Error>) -> bool {
    match result {
        Ok(response) => {
            let shown = response.extensions().get::<Shown>();
            is_refusal(response.status()) && shown.is_some_and(|shown| *shown != Shown::Nothing)
        }
        Err(error @ Error::Auth(_)) => error.status().is_some_and(is_refusal),
        Err(_) => false,
    }
}

/// Notes on a refusal what the registry says is wrong, and what was shown to it.
pub(super) fn annotated(mut response: Response<Body>, sent: &Sent) -> Response<Body> {
    if !is_refusal(response.status()) {
        return response;
    }
    let error = Challenge::of(response.headers())
        .iter()
        .find_map(Challenge::error);
    if let Some(error) = error {
        response.extensions_mut().insert(ChallengeError(error));
    }
    response.extensions_mut().insert(Shown::from(sent));
    response
}

/// Whether a registry says that a credential has expired: Amazon's does with a 403 and a text. A body that is read for
/// it is put back.
pub(super) async fn says_expired(response: &mut Response<Body>) -> bool {
    let size = response.body().size_hint().exact();
    if response.status() != StatusCode::FORBIDDEN || size.is_none_or(|size| size > DRAIN_LIMIT as u64) {
        return false;
    }
    let body = std::mem::take(response.body_mut());
    let Ok((bytes, true)) = body.collect_prefix(DRAIN_LIMIT).await else {
        return false;
    };
    let says = String::from_utf8_lossy(&bytes)
        .to_ascii_lowercase()
        .contains("expired");
    *response.body_mut() = Body::full(bytes);
    says
}

/// Reads what is left of a response, if it is little and comes soon.
pub(super) async fn drain(response: Response<Body>) {
    let rest = response.into_body().collect_prefix(DRAIN_LIMIT);
    // Whatever happens here costs a connection at most.
    let _ = tokio::time::timeout(DRAIN_TIME, rest).await;
}
