use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Method, Request, Response, Uri};
use tower::Service;

use crate::auth::Shown;
use crate::context::{ChallengeError, LookedFor};
use crate::retry::retry_after;
use crate::send::{send, take_ready};
use crate::{Accepted, AnswerInfo, AnsweredBy, Body, BoxError, Error, RegistryError};

use super::HeadFailures;
use super::head::{ask_again, is_refusal};

/// How much of an error's body is read, in bytes.
pub const BODY_LIMIT: usize = 64 << 10;

/// The service of [`CheckLayer`](super::CheckLayer).
#[derive(Clone, Debug)]
pub struct Check<S> {
    pub(super) inner: S,
    pub(super) head_failures: HeadFailures,
}

impl<S> Service<Request<Body>> for Check<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_service)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let accepted = request.extensions().get::<Accepted>().copied();
        let (method, url) = (request.method().clone(), request.uri().clone());
        let mut inner = take_ready(&mut self.inner);
        let asks_again = method == Method::HEAD && self.head_failures == HeadFailures::AskAgain;
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let again = asks_again.then(|| parts.clone());
            let mut response = send(&mut inner, Request::from_parts(parts, body)).await?;
            let status = response.status();
            if accepted.map_or(status.is_success(), |Accepted(statuses)| {
                statuses.contains(&status)
            }) {
                let info = AnswerInfo::of(&response);
                warn(&info);
                response.extensions_mut().insert(info);
                return Ok(response);
            }
            let mut error = registry_error(method, url, response).await;
            if let Some(parts) = again.filter(|_| is_refusal(status)) {
                ask_again(inner, parts, &mut error).await;
            }
            Err(Error::Registry(Box::new(error)))
        })
    }
}

/// The error that an answer is. A body that breaks off does not hide the status: what came of it is kept.
pub(crate) async fn registry_error(method: Method, url: Uri, response: Response<Body>) -> RegistryError {
    let (parts, body) = response.into_parts();
    let url = parts
        .extensions
        .get::<AnsweredBy>()
        .map_or(url, |answered| answered.0.clone());
    let mut error = RegistryError::new(method, &url, parts.status);
    let info = AnswerInfo::parse(&parts.headers, parts.extensions.get().copied());
    warn(&info);
    error.attempts = info.attempts;
    error.request_id = info.request_id;
    error.quota = info.quota;
    error.warnings = info.warnings;
    error.retry_after = retry_after(&parts.headers, SystemTime::now());
    error.challenge_error = parts
        .extensions
        .get::<ChallengeError>()
        .map(|error| error.0.clone());
    error.shown = parts.extensions.get::<Shown>().cloned();
    error.credentials = parts
        .extensions
        .get::<LookedFor>()
        .map(|looked_for| looked_for.0.clone());
    let (body, complete) = body
        .collect_prefix(BODY_LIMIT)
        .await
        .unwrap_or((Bytes::new(), false));
    error.set_body(body, !complete);
    error
}

fn warn(info: &AnswerInfo) {
    for warning in &info.warnings {
        tracing::warn!(%warning, "the registry warns");
    }
}
