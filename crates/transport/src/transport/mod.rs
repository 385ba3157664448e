//! The whole stack, behind one type.

mod builder;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::{Request, Response, Uri};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};
use wharf_name::Registry;

use crate::origin::{Origin, Site, UnsafeUrl, UnsafeUrlReason};
use crate::settings::{AllSettings, PlainHttp};
use crate::{Body, BoxError, Error, RedactedUrl, origin};

pub use self::builder::TransportBuilder;

/// A stack of layers over a bottom service, ready to send requests: cheap to clone, and clones share everything.
///
/// It is a [`tower::Service`] itself, so that custom layers wrap it and it can be wrapped further.
#[derive(Clone)]
pub struct Transport {
    service: BoxCloneSyncService<Request<Body>, Response<Body>, Error>,
    settings: Arc<AllSettings>,
}

impl Transport {
    /// Starts to build a stack.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::new()
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`Error::Registry`] when the answer's status is not [`Accepted`](crate::Accepted), and every other variant for
    /// what prevented an answer.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        self.service.clone().oneshot(request).await
    }

    /// The URL of a path (with query, from the `/`) at a registry. Whether `https` or `http` is used in the end is
    /// decided when it is requested.
    ///
    /// # Errors
    /// [`Error::UnsafeUrl`] when `path_and_query` is not part of a URL.
    pub fn url(&self, registry: &Registry, path_and_query: &str) -> Result<Uri, Error> {
        let scheme = match self.settings.plain_http(registry) {
            PlainHttp::Only => "http",
            _ => "https",
        };
        let text = format!("{scheme}://{registry}{path_and_query}");
        text.parse().map_err(|_| {
            let reason = UnsafeUrlReason::Malformed;
            let url = RedactedUrl::of_text(&text);
            Error::UnsafeUrl(Box::new(UnsafeUrl {
                url,
                site: Site::Request,
                reason,
            }))
        })
    }

    /// The absolute URL that a registry means by a `Location` or `Link` in an answer of `base` ([`AnsweredBy`](crate::AnsweredBy)), judged by
    /// [`origin::resolve_location`](crate::origin::resolve_location) with what the registry's settings
    /// [trust](crate::settings::RegistrySettings::trusted_targets).
    ///
    /// # Errors
    /// [`Error::UnsafeUrl`] with the reason.
    pub fn resolve_location(&self, registry: &Registry, base: &Uri, location: &str) -> Result<Uri, Error> {
        origin::resolve_location(base, location, &self.settings.of(registry).trusted_targets)
    }

    /// A URL that a descriptor in this registry names for its content, judged by
    /// [`origin::resolve_download`](crate::origin::resolve_download) with what the registry's settings
    /// [trust](crate::settings::RegistrySettings::trusted_targets).
    ///
    /// # Errors
    /// [`Error::UnsafeUrl`] with the reason.
    pub fn resolve_download(&self, registry: &Registry, url: &str) -> Result<Uri, Error> {
        let origin =
            Origin::of(&self.url(registry, "/v2/")?).map_err(|error| Error::UnsafeUrl(Box::new(error)))?;
        origin::resolve_download(&origin, url, &self.settings.of(registry).trusted_targets)
    }

    fn new<S>(service: S, settings: Arc<AllSettings>) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        Self {
            service: BoxCloneSyncService::new(service.map_err(Error::from_service)),
            settings,
        }
    }
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.service.call(request)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
