use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Method, Request, Response, Uri};
use tower::Service;

use crate::auth::Shown;
use crate::context::ChallengeError;
use crate::retry::retry_after;
use crate::{Accepted, AnswerInfo, AnsweredBy, Body, BoxError, Error, RegistryError};

/// How much of an error's body is read, in bytes.
pub const BODY_LIMIT: usize = 64 << 10;

/// The service of [`CheckLayer`](super::CheckLayer).
#[derive(Clone, Debug)]
pub struct Check<S> {
    pub(super) inner: S,
}

impl<S> Service<Request<Body>> for Check<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>, Future: Send + 'static>,
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
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await.map_err(Error::from_service)?;
            let status = response.status();
            if accepted.map_or(status.is_success(), |Accepted(statuses)| {
                statuses.contains(&status)
            }) {
                let info = AnswerInfo::of(&response);
                warn(&info);
                response.extensions_mut().insert(info);
                return Ok(response);
            }
            Err(Error::Registry(Box::new(
                registry_error(method, url, response).await,
            )))
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
