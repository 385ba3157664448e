use std::future::pending;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode, Uri, uri};
use tokio::time::sleep;
use tower::Service;
use wharf_name::Registry;

use crate::context::Probe;
use crate::error::chain;
use crate::origin::{Origin, Site, UnsafeUrl, UnsafeUrlReason};
use crate::send::{send, send_next, take_ready};
use crate::settings::{AllSettings, PlainHttp};
use crate::{Body, BoxError, Error, NeverRetry, Phase, RedactedUrl, RegistryContext};

use super::layer::Learned;

/// The service of [`SchemeLayer`](super::SchemeLayer).
#[derive(Clone, Debug)]
pub struct Scheme<S> {
    pub(super) inner: S,
    pub(super) settings: Arc<AllSettings>,
    pub(super) learned: Learned,
}

/// What the scheme of a request has to be.
enum Choice {
    AsIs,
    /// `https`, and `http` is an error.
    Https,
    /// `https`, and `http` becomes it.
    UpToHttps,
    Http,
    Probe(Registry),
}

impl<S> Scheme<S> {
    fn choose(&self, request: &Request<Body>) -> Choice {
        let Some(context) = request.extensions().get::<RegistryContext>() else {
            return Choice::AsIs;
        };
        if !is_at(request.uri(), &context.registry) {
            return Choice::AsIs;
        }
        match self.settings.plain_http(&context.registry) {
            PlainHttp::Only => Choice::Http,
            PlainHttp::Allowed => {
                let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
                match learned.get(context.registry.as_str()) {
                    Some(true) => Choice::UpToHttps,
                    Some(false) => Choice::Http,
                    None => Choice::Probe(context.registry.clone()),
                }
            }
            PlainHttp::Never | PlainHttp::ByName => Choice::Https,
        }
    }
}

impl<S> Service<Request<Body>> for Scheme<S>
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

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let choice = self.choose(&request);
        let mut inner = take_ready(&mut self.inner);
        let learned = Arc::clone(&self.learned);
        Box::pin(async move {
            match choice {
                Choice::AsIs => {}
                Choice::Probe(registry) => return probe(inner, learned, registry, request).await,
                Choice::UpToHttps => *request.uri_mut() = with_scheme(request.uri(), uri::Scheme::HTTPS),
                Choice::Http => *request.uri_mut() = with_scheme(request.uri(), uri::Scheme::HTTP),
                Choice::Https if request.uri().scheme() == Some(&uri::Scheme::HTTP) => {
                    let error = UnsafeUrl::new(request.uri(), Site::Request, UnsafeUrlReason::Downgrade);
                    return Err(Error::UnsafeUrl(Box::new(error)));
                }
                Choice::Https => {}
            }
            send(&mut inner, request).await
        })
    }
}

/// For so long a registry is given to answer by `https` before it is asked whether it answers by `http`.
const PATIENCE: Duration = Duration::from_secs(1);
/// For so long `https` may then still come.
const GRACE: Duration = Duration::from_secs(1);

/// Sends the first request to a registry that may not speak TLS.
async fn probe<S>(
    mut inner: S,
    learned: Learned,
    registry: Registry,
    request: Request<Body>,
) -> Result<Response<Body>, Error>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>> + Clone + Send,
    S::Future: Send,
{
    let (mut parts, body) = request.into_parts();
    let learn = |speaks_tls| {
        let mut learned = learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.entry(registry.as_str().to_owned()).or_insert(speaks_tls);
    };
    parts.uri = with_scheme(&parts.uri, uri::Scheme::HTTPS);
    let mut by_https = parts.clone();
    by_https.extensions.insert(Probe);
    let other = inner.clone();
    let answer = tokio::select! {
        biased;
        answer = send(&mut inner, Request::from_parts(by_https, body.resend())) => answer,
        () = answers_plain(other, &parts.uri) => Err(Error::Timeout {
            method: parts.method.clone(),
            url: RedactedUrl::from(&parts.uri),
            phase: Phase::Tls,
            after: PATIENCE + GRACE,
        }),
    };
    let https = match answer {
        Ok(response) => {
            learn(true);
            return Ok(response);
        }
        Err(error) if error.may_speak_plain() && body.can_resend() => error,
        Err(error) => return Err(error),
    };
    tracing::debug!(%registry, error = %chain(&https), "trying http instead of https");
    parts.uri = with_scheme(&parts.uri, uri::Scheme::HTTP);
    let result = send_next(&mut inner, Request::from_parts(parts, body)).await;
    match result {
        Err(
            http @ (Error::Connect { .. }
            | Error::Timeout { .. }
            | Error::Exchange { .. }
            | Error::Proxy { .. }),
        ) => Err(Error::NoScheme {
            https: Box::new(https),
            http: Box::new(http),
        }),
        Ok(response) if proves_nothing(response.status()) => Ok(response),
        // What failed otherwise failed after an answer, for example in what a challenge led to.
        result => {
            learn(false);
            result
        }
    }
}

/// Ends once it is clear that a registry answers by `http` and had its time to answer by `https`: there are servers
/// that take the start of a TLS handshake for the start of a request, and wait for the rest. Otherwise it never ends.
async fn answers_plain<S>(mut inner: S, url: &Uri)
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>> + Send,
    S::Future: Send,
{
    sleep(PATIENCE).await;
    let mut ping = Request::new(Body::empty());
    let mut parts = with_scheme(url, uri::Scheme::HTTP).into_parts();
    parts.path_and_query = Some(uri::PathAndQuery::from_static("/v2/"));
    *ping.uri_mut() = Uri::from_parts(parts).expect("an absolute URL stays one with another path");
    ping.extensions_mut().insert(NeverRetry);
    match send_next(&mut inner, ping).await {
        Ok(response) if matches!(response.status(), StatusCode::OK | StatusCode::UNAUTHORIZED) => {
            sleep(GRACE).await
        }
        _ => pending().await,
    }
}

/// Whether an answer by `http` may be of somebody who speaks for the registry: 400 is also what TLS servers say to whoever
/// speaks no TLS to them, and the others what proxies say who do not reach it.
fn proves_nothing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 502..=504)
}

fn is_at(url: &Uri, registry: &Registry) -> bool {
    let Some(scheme) = url.scheme_str() else {
        return false;
    };
    let Ok(home) = format!("{scheme}://{registry}/").parse() else {
        return false;
    };
    matches!((Origin::of(url), Origin::of(&home)), (Ok(url), Ok(home)) if url == home)
}

fn with_scheme(url: &Uri, scheme: uri::Scheme) -> Uri {
    let mut parts = url.clone().into_parts();
    parts.scheme = Some(scheme);
    Uri::from_parts(parts).expect("an absolute URL stays one with another scheme")
}
