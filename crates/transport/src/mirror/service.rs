use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response};
use tower::Service;

use crate::send::{send_next, take_ready};
use crate::{AnsweredBy, Body, BoxError, Error, NeverRetry};

use super::ask::Ask;
use super::health::Health;
use super::judge::{Shared, Verdict, judge};
use super::route::{Candidates, Route, Target};
use super::{EndpointFailure, FailureReason, MirrorError, Mirrors, Role, ServedBy};

/// The service of [`MirrorLayer`](super::MirrorLayer).
#[derive(Clone, Debug)]
pub struct Mirror<S> {
    pub(super) inner: S,
    pub(super) mirrors: Arc<Mirrors>,
    pub(super) health: Arc<Health>,
}

impl<S> Service<Request<Body>> for Mirror<S>
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
        let mut inner = take_ready(&mut self.inner);
        let (parts, body) = request.into_parts();
        let candidates = match Route::of(&self.mirrors, &parts) {
            Ok(Route::Through(candidates)) => candidates,
            Ok(Route::Direct) => {
                let answer = inner.call(Request::from_parts(parts, body));
                return Box::pin(async move { answer.await.map_err(Error::from_service) });
            }
            Err(error) => return Box::pin(async move { Err(error) }),
        };
        let health = Arc::clone(&self.health);
        Box::pin(async move {
            let Candidates {
                name,
                ask,
                targets,
                failures,
            } = candidates;
            let run = Run {
                inner,
                health,
                parts,
                body,
                name,
                failures,
                at_upstream: None,
                at_last: None,
            };
            match <[Target; 1]>::try_from(targets) {
                Ok([only]) => run.ask_only(&only).await,
                Err(several) => run.ask_all(several, &ask).await,
            }
        })
    }
}

struct Run<S> {
    inner: S,
    health: Arc<Health>,
    parts: Parts,
    body: Body,
    name: String,
    failures: Vec<EndpointFailure>,
    /// How it went at the upstream, if it went badly.
    at_upstream: Option<Result<Response<Body>, Shared>>,
    /// The same for the server that was asked last, as far as that can be an answer at all.
    at_last: Option<Result<Response<Body>, Shared>>,
}

/// How long a server is bothered with one request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// The layers below send it once, since there are others.
    Once,
    /// They repeat it as they do without mirrors.
    Usual,
}

impl<S> Run<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Send,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    /// Whatever the answer of the only server is, it is the answer.
    async fn ask_only(mut self, target: &Target) -> Result<Response<Body>, Error> {
        let response = self.send(target, Patience::Usual).await?;
        Ok(self.served(target, response))
    }

    /// First every server once, then those again that may have another answer by now.
    async fn ask_all(mut self, targets: Vec<Target>, ask: &Ask) -> Result<Response<Body>, Error> {
        let (cooling, healthy): (Vec<_>, Vec<_>) = targets
            .into_iter()
            .partition(|target| self.health.is_cooling(target.registry()));
        let mut targets: Vec<Target> = healthy.into_iter().chain(cooling).collect();
        let rounds: &[Patience] = match self.parts.extensions.get::<NeverRetry>() {
            Some(_) => &[Patience::Once],
            None => &[Patience::Once, Patience::Usual],
        };
        for patience in rounds {
            let (mut unreachable, mut busy) = (Vec::new(), Vec::new());
            for target in targets {
                let result = self.send(&target, *patience).await;
                let (verdict, result) = judge(target.role, &self.parts.method, ask, result).await;
                let (reason, temporary, cool_down) = match (verdict, result) {
                    (Verdict::Good, Ok(response)) => return Ok(self.served(&target, response)),
                    (Verdict::Good, Err(error)) => return Err(self.failed(error)),
                    (
                        Verdict::Bad {
                            reason,
                            temporary,
                            cool_down,
                        },
                        result,
                    ) => {
                        self.keep(target.role, &reason, result);
                        (reason, temporary, cool_down)
                    }
                };
                let registry = target.registry().clone();
                tracing::info!(%registry, %reason, "asking the next endpoint");
                if let Some(cool_down) = cool_down {
                    self.health.failed(&registry, cool_down);
                }
                let is_answer = matches!(reason, FailureReason::Status(_));
                self.failures.push(EndpointFailure { registry, reason });
                if temporary {
                    if is_answer { &mut busy } else { &mut unreachable }.push(target);
                }
            }
            // A server that answers is nearer to a good answer than one that does not.
            busy.extend(unreachable);
            targets = busy;
        }
        self.give_up()
    }

    async fn send(&mut self, target: &Target, patience: Patience) -> Result<Response<Body>, Error> {
        let mut parts = self.parts.clone();
        target.apply(&mut parts);
        if patience == Patience::Once {
            parts.extensions.insert(NeverRetry);
        }
        let url = parts.uri.clone();
        let mut response = send_next(&mut self.inner, Request::from_parts(parts, self.body.resend())).await?;
        if response.extensions().get::<AnsweredBy>().is_none() {
            response.extensions_mut().insert(AnsweredBy(url));
        }
        Ok(response)
    }

    fn keep(&mut self, role: Role, reason: &FailureReason, result: Result<Response<Body>, Shared>) {
        if role == Role::Upstream {
            self.at_upstream = Some(result);
        } else if matches!(reason, FailureReason::Status(_) | FailureReason::Failed(_)) {
            self.at_last = Some(result);
        } else {
            self.at_last = None;
        }
    }

    fn served(&mut self, target: &Target, mut response: Response<Body>) -> Response<Body> {
        self.health.answered(target.registry());
        response.extensions_mut().insert(ServedBy {
            registry: target.registry().clone(),
            role: target.role,
            failures: std::mem::take(&mut self.failures).into(),
        });
        response
    }

    /// No server had a good answer: that of the registry itself counts most.
    fn give_up(mut self) -> Result<Response<Body>, Error> {
        match self.at_upstream.take().or_else(|| self.at_last.take()) {
            Some(Ok(response)) => Ok(response),
            Some(Err(error)) => Err(self.failed(error)),
            None => Err(MirrorError::Useless {
                name: self.name,
                failures: self.failures,
            }
            .into()),
        }
    }

    /// The error of what was asked last, with what went wrong before it where that is not an answer by itself.
    fn failed(mut self, error: Shared) -> Error {
        self.at_upstream = None;
        self.at_last = None;
        self.failures.retain(
            |failure| !matches!(&failure.reason, FailureReason::Failed(other) if Arc::ptr_eq(other, &error)),
        );
        let error = Arc::try_unwrap(error).unwrap_or_else(|shared| Error::Service(shared.into()));
        if self.failures.is_empty() || error.registry_error().is_some() {
            return error;
        }
        MirrorError::Unanswered {
            name: self.name,
            failures: self.failures,
            source: Box::new(error),
        }
        .into()
    }
}
