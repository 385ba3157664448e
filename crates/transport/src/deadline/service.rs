use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::{Request, Response};
use tokio::time::{Instant, timeout_at};
use tower::Service;

use crate::{Body, BoxError, Deadline, Error, Phase, RedactedUrl};

use super::DeadlineOptions;
use super::body::{Limits, Timed};
use super::upload::Meter;

/// The service of [`DeadlineLayer`](super::DeadlineLayer).
#[derive(Clone, Debug)]
pub struct InTime<S> {
    pub(super) inner: S,
    pub(super) options: Arc<DeadlineOptions>,
}

impl<S> Service<Request<Body>> for InTime<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_service)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let start = Instant::now();
        let own = request.extensions().get::<Deadline>().copied();
        let deadline = own.or_else(|| {
            let at = start.checked_add(self.options.total?)?;
            Some(Deadline(at))
        });
        let rate = self.options.minimum_rate;
        if deadline.is_none() && rate.is_none() {
            let answer = self.inner.call(request);
            return Box::pin(async { answer.await.map_err(Error::from_service) });
        }
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(deadline);
        }
        let limits = Limits {
            start,
            deadline: deadline.map(|Deadline(at)| at),
            rate,
            method: request.method().clone(),
            url: RedactedUrl::from(request.uri()),
        };
        let meter = Meter::default();
        if rate.is_some() {
            request = request.map(|body| meter.measure(body));
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = async {
                match limits.deadline {
                    Some(at) => timeout_at(at, answer).await.map_err(|_| limits.too_late()),
                    None => Ok(answer.await),
                }
            };
            let answer = match rate {
                None => answer.await?,
                Some(rate) => tokio::select! {
                    biased;
                    answer = answer => answer?,
                    () = meter.too_slow(rate) => return Err(limits.timeout(Phase::SendRate, rate.window)),
                },
            };
            let response = answer.map_err(Error::from_service)?;
            Ok(response.map(|body| Body::new(Timed::new(body, limits))))
        })
    }
}
