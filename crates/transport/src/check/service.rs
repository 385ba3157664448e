use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::{HeaderMap, WARNING};
use http::{Method, Request, Response, Uri};
use tower::Service;

use crate::auth::Shown;
use crate::context::ChallengeError;
use crate::retry::retry_after;
use crate::{Accepted, AnsweredBy, Attempts, Body, BoxError, Error, RegistryError};

/// How much of an error's body is read, in bytes.
pub const BODY_LIMIT: usize = 64 << 10;

/// Headers in which registries and the proxies before them name a request.
const REQUEST_ID: [&str; 6] = [
    "x-request-id",
    "x-amzn-requestid",
    "x-ms-request-id",
    "x-ms-correlation-request-id",
    "x-github-request-id",
    "cf-ray",
];

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
            let response = answer.await.map_err(Error::from_service)?;
            let status = response.status();
            if accepted.map_or(status.is_success(), |Accepted(statuses)| {
                statuses.contains(&status)
            }) {
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
    error.attempts = parts
        .extensions
        .get::<Attempts>()
        .map_or(1, |attempts| attempts.0);
    error.request_id = REQUEST_ID.iter().find_map(|name| text(&parts.headers, name));
    error.warnings = parts
        .headers
        .get_all(WARNING)
        .iter()
        .take(16)
        .filter_map(|value| value.to_str().ok().map(ToOwned::to_owned))
        .collect();
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

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(ToOwned::to_owned)
}
