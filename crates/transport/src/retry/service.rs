use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use tokio::time::Instant;
use tower::Service;

use crate::check::BODY_LIMIT;
use crate::context::Probe;
use crate::error::{chain, is_temporary_status};
use crate::origin::Origin;
use crate::send::{send, send_next, take_ready};
use crate::{
    Attempts, Body, BoxError, Deadline, Diagnostic, Error, ErrorCode, NeverRetry, OnWait, Wait, WaitReason,
};

use super::budget::Budgets;
use super::{Outcome, RetryOptions, Verdict, decide, retry_after};

/// The service of [`RetryLayer`](super::RetryLayer).
#[derive(Clone, Debug)]
pub struct Retry<S> {
    pub(super) inner: S,
    pub(super) options: Arc<RetryOptions>,
    pub(super) budgets: Budgets,
}

impl<S> Service<Request<Body>> for Retry<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_service)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let inner = take_ready(&mut self.inner);
        Box::pin(run(
            inner,
            Arc::clone(&self.options),
            self.budgets.clone(),
            request,
        ))
    }
}

async fn run<S>(
    mut inner: S,
    options: Arc<RetryOptions>,
    budgets: Budgets,
    request: Request<Body>,
) -> Result<Response<Body>, Error>
where
    S: Service<Request<Body>, Response = Response<Body>> + Send,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    let (parts, body) = request.into_parts();
    let mut answer = send(&mut inner, Request::from_parts(parts.clone(), body.resend())).await;
    let mut waited = Duration::ZERO;
    for attempt in 1.. {
        let mut result = answer;
        let wait = wait_after(&parts, &body, &mut result, attempt, &options)
            .await
            .filter(|(wait, _)| waited.saturating_add(*wait) <= options.total_wait && in_time(&parts, *wait))
            .filter(|(_, asked)| *asked || budgets.take(&parts.uri, options.budget));
        let Some((wait, _)) = wait else {
            if let Ok(response) = &mut result {
                if !is_temporary_status(response.status()) {
                    budgets.earn(&parts.uri);
                }
                response.extensions_mut().insert(Attempts(attempt));
            }
            return result;
        };
        tell(&parts, &result, attempt, wait);
        drop(result);
        waited = waited.saturating_add(wait);
        tokio::time::sleep(wait).await;
        answer = send_next(&mut inner, Request::from_parts(parts.clone(), body.resend())).await;
    }
    unreachable!("attempts are counted until one of them is the last")
}

/// Whether a wait ends before the request's deadline.
fn in_time(parts: &Parts, wait: Duration) -> bool {
    let deadline = parts.extensions.get::<Deadline>();
    deadline.is_none_or(|Deadline(at)| wait < at.duration_since(Instant::now()))
}

fn tell(parts: &Parts, result: &Result<Response<Body>, Error>, attempt: u32, wait: Duration) {
    let status = result.as_ref().ok().map(Response::status);
    match result {
        Ok(response) => tracing::info!(
            attempt,
            http.response.status_code = response.status().as_u16(),
            ?wait,
            "retrying"
        ),
        Err(error) => tracing::info!(attempt, error = %chain(error), ?wait, "retrying"),
    }
    OnWait::tell(&parts.extensions, || Wait {
        origin: Origin::of(&parts.uri).ok(),
        reason: WaitReason::Retry { attempt, status },
        duration: wait,
    });
}

/// How long to wait before the next attempt, and whether the server asked for the wait; `None` if there is to be none.
async fn wait_after(
    parts: &Parts,
    body: &Body,
    result: &mut Result<Response<Body>, Error>,
    attempt: u32,
    options: &RetryOptions,
) -> Option<(Duration, bool)> {
    if attempt >= options.attempts.get() || parts.extensions.get::<NeverRetry>().is_some() {
        return None;
    }
    let outcome = match result {
        Err(error) if parts.extensions.get::<Probe>().is_some() && error.may_speak_plain() => {
            return None;
        }
        Err(error) => Outcome::Failure(error),
        Ok(response) => Outcome::Response {
            status: response.status(),
            retry_after: retry_after(response.headers(), SystemTime::now()),
            refused: is_temporary_status(response.status()) && is_refused(response).await,
        },
    };
    match decide(&parts.method, !body.is_empty(), body.can_resend(), &outcome) {
        Verdict::Stop => None,
        Verdict::Retry => {
            let busy = matches!(outcome, Outcome::Response { status, .. } if status == StatusCode::TOO_MANY_REQUESTS);
            Some((options.ceiling(attempt).mul_f64(rand::random()), busy))
        }
        Verdict::RetryAfter(wait) if wait > options.retry_after_limit => None,
        Verdict::RetryAfter(wait) => Some((wait.saturating_add((wait / 10).mul_f64(rand::random())), true)),
    }
}

/// Whether a temporary status comes with a diagnostic that is not temporary, as some registries do. Bodies that are
/// read for it are put back. Reading them to their end also keeps the connection.
async fn is_refused(response: &mut Response<Body>) -> bool {
    let size = response.body().size_hint().exact();
    if size.is_none_or(|size| size > BODY_LIMIT as u64) {
        return false;
    }
    let body = std::mem::take(response.body_mut());
    let Ok((bytes, true)) = body.collect_prefix(BODY_LIMIT).await else {
        return false;
    };
    let refused = Diagnostic::parse(&bytes)
        .iter()
        .any(|error| matches!(error.code, ErrorCode::Denied | ErrorCode::Unauthorized));
    *response.body_mut() = Body::full(bytes);
    refused
}
