use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, COOKIE, HOST, LOCATION,
    PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{Request, Response, Uri};
use tower::Service;

use crate::context::{LeftOrigin, OriginHeaders};
use crate::origin::{Origin, Site, resolve};
use crate::send::{send, send_next, take_ready};
use crate::settings::AllSettings;
use crate::{AnsweredBy, Body, BoxError, ChosenBy, Error, RedactedUrl, RedirectLimit, RegistryContext};

use super::{Next, follow};

/// How many redirects of one request are followed.
pub const MAX_REDIRECTS: usize = 10;

/// The service of [`RedirectLayer`](super::RedirectLayer).
#[derive(Clone, Debug)]
pub struct Redirect<S> {
    pub(super) inner: S,
    pub(super) settings: Arc<AllSettings>,
}

impl<S> Service<Request<Body>> for Redirect<S>
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
        let settings = Arc::clone(&self.settings);
        Box::pin(run(inner, settings, request))
    }
}

async fn run<S>(
    mut inner: S,
    settings: Arc<AllSettings>,
    request: Request<Body>,
) -> Result<Response<Body>, Error>
where
    S: Service<Request<Body>, Response = Response<Body>> + Send,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    let (mut parts, mut body) = request.into_parts();
    let (first_method, first_url) = (parts.method.clone(), parts.uri.clone());
    let mut visited = vec![(parts.method.clone(), parts.uri.clone())];
    let mut answer = send(&mut inner, Request::from_parts(parts.clone(), body.resend())).await;
    loop {
        let mut response = answer?;
        let status = response.status();
        let next = follow(&parts.method, status);
        let location = response.headers().get(LOCATION).filter(|_| next != Next::Nothing);
        let Some(location) = location else {
            response.extensions_mut().insert(AnsweredBy(parts.uri));
            return Ok(response);
        };
        let location = String::from_utf8_lossy(location.as_bytes());
        let context = parts.extensions.get::<RegistryContext>();
        let trusted = context.map(|context| settings.of(&context.registry).trusted_targets.as_slice());
        let target = resolve(&parts.uri, &location, Site::Redirect, trusted.unwrap_or_default())
            .map_err(|error| Error::UnsafeUrl(Box::new(error)))?;
        tracing::debug!(status = status.as_u16(), to = %RedactedUrl::from(&target), "redirected");
        if let Next::Bodiless(method) = next {
            parts.method = method;
            body = Body::empty();
            for header in [
                CONTENT_ENCODING,
                CONTENT_LENGTH,
                CONTENT_RANGE,
                CONTENT_TYPE,
                TRANSFER_ENCODING,
            ] {
                parts.headers.remove(header);
            }
        } else if !body.can_resend() {
            let url = RedactedUrl::from(&parts.uri);
            return Err(Error::NotReplayable {
                method: parts.method,
                url,
                status,
            });
        }
        go(&mut parts, target)?;
        let step = (parts.method.clone(), parts.uri.clone());
        let limit = if visited.contains(&step) {
            Some(RedirectLimit::Cycle)
        } else {
            (visited.len() > MAX_REDIRECTS).then_some(RedirectLimit::TooMany(MAX_REDIRECTS))
        };
        if let Some(reason) = limit {
            let url = RedactedUrl::from(&first_url);
            return Err(Error::Redirect {
                method: first_method,
                url,
                reason,
            });
        }
        visited.push(step);
        // The body of a redirect is a page for people. What of it has not come yet is not waited for.
        drop(response);
        answer = send_next(&mut inner, Request::from_parts(parts.clone(), body.resend())).await;
    }
}

/// Points a request to the target of a redirect.
fn go(parts: &mut Parts, target: Uri) -> Result<(), Error> {
    let origin = |url: &Uri| Origin::of(url).map_err(|error| Error::UnsafeUrl(Box::new(error)));
    let from = origin(&parts.uri)?;
    if from != origin(&target)? {
        for header in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, HOST] {
            parts.headers.remove(header);
        }
        if let Some(OriginHeaders(names)) = parts.extensions.remove() {
            for header in names.iter() {
                parts.headers.remove(header);
            }
        }
        parts.extensions.insert(LeftOrigin);
        parts.extensions.insert(ChosenBy(from));
    }
    parts.uri = target;
    Ok(())
}
