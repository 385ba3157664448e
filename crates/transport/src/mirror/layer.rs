use std::sync::Arc;

use tower::Layer;

use super::health::Health;
use super::{Mirror, Mirrors};

/// Sends requests to mirrors; see the [module](super). All services of one layer share what they learn about which
/// servers cannot be reached.
///
/// Alone, around any service:
///
/// ```
/// use http::{Request, Response};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
/// use wharf_transport::mirror::{MirrorLayer, Mirrors, Rule};
/// use wharf_transport::{AnsweredBy, Body, Error, RegistryContext};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rule = Rule::new("registry.example".parse()?).with_mirror("mirror.example".parse()?);
/// let busy = service_fn(|request: Request<Body>| async move {
///     let status = if request.uri().host() == Some("mirror.example") { 503 } else { 200 };
///     Ok::<_, Error>(Response::builder().status(status).body(Body::empty()).expect("parts are valid"))
/// });
/// let service = MirrorLayer::new(Mirrors::new().with_rule(rule)).layer(busy);
/// let repository: wharf_name::Repository = "registry.example/app".parse()?;
/// let request = Request::head("https://registry.example/v2/app/manifests/v1")
///     .extension(RegistryContext::of(&repository))
///     .body(Body::empty())?;
/// let response = service.oneshot(request).await?;
/// let AnsweredBy(url) = response.extensions().get().expect("it is always there");
/// assert_eq!(url.host(), Some("registry.example"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MirrorLayer {
    mirrors: Arc<Mirrors>,
    health: Arc<Health>,
}

impl MirrorLayer {
    /// Reads from where `mirrors` say.
    ///
    /// The [TLS settings](super::Endpoint::with_tls) of endpoints are for the layers below and for the bottom; a
    /// [`TransportBuilder`](crate::TransportBuilder) hands them over by itself.
    #[must_use]
    pub fn new(mirrors: Mirrors) -> Self {
        Self {
            mirrors: Arc::new(mirrors),
            health: Arc::default(),
        }
    }
}

impl<S> Layer<S> for MirrorLayer {
    type Service = Mirror<S>;

    fn layer(&self, inner: S) -> Mirror<S> {
        Mirror {
            inner,
            mirrors: Arc::clone(&self.mirrors),
            health: Arc::clone(&self.health),
        }
    }
}
