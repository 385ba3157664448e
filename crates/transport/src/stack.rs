//! The order of the layers.

use std::sync::Arc;

use http::{Request, Response};
use tower::util::MapRequestLayer;
use tower::{Service, ServiceBuilder};
use wharf_authn::Keychain;

use crate::auth::{AuthLayer, AuthOptions};
use crate::check::CheckLayer;
use crate::deadline::{DeadlineLayer, DeadlineOptions};
use crate::limit::{LimitLayer, LimitOptions};
use crate::mirror::MirrorLayer;
use crate::redirect::RedirectLayer;
use crate::retry::{RetryLayer, RetryOptions};
use crate::scheme::SchemeLayer;
use crate::settings::AllSettings;
use crate::trace::TraceLayer;
use crate::user_agent::UserAgentLayer;
use crate::wire::WireLogLayer;
use crate::{Body, Error, OnWait, Transport};

/// What the layers of the default stack are made of.
pub(crate) struct Ingredients {
    pub(crate) settings: Arc<AllSettings>,
    pub(crate) mirrors: MirrorLayer,
    pub(crate) keychain: Arc<dyn Keychain>,
    pub(crate) auth: AuthOptions,
    pub(crate) check: CheckLayer,
    pub(crate) user_agent: UserAgentLayer,
    pub(crate) retry: RetryOptions,
    pub(crate) limits: LimitOptions,
    pub(crate) deadline: DeadlineOptions,
    pub(crate) on_wait: Option<OnWait>,
    pub(crate) wire_log: Option<WireLogLayer>,
}

/// The default stack, from the outside to the bottom: a request goes down the list, its answer up.
///
/// The user's own layers are around it ([`TransportBuilder::layer`](crate::TransportBuilder::layer)) and in `bottom`
/// ([`TransportBuilder::layer_inside`](crate::TransportBuilder::layer_inside)).
pub(crate) fn stack(with: Ingredients, bottom: Transport) -> impl Stack {
    ServiceBuilder::new()
        .layer(TraceLayer::request())
        .layer(with.check)
        .layer(DeadlineLayer::new(with.deadline))
        .layer(with.mirrors)
        .layer(SchemeLayer::with_settings(Arc::clone(&with.settings)))
        .layer(RedirectLayer::with_settings(Arc::clone(&with.settings)))
        .layer(AuthLayer::with_settings(with.keychain, with.settings, with.auth))
        .layer(with.user_agent)
        .option_layer(with.on_wait.map(listen))
        .layer(RetryLayer::new(with.retry))
        .layer(LimitLayer::new(with.limits))
        .layer(TraceLayer::attempt())
        .option_layer(with.wire_log)
        .service(bottom)
}

/// Gives requests a listener for their waits, if they have none.
fn listen(on_wait: OnWait) -> MapRequestLayer<impl Fn(Request<Body>) -> Request<Body> + Clone> {
    MapRequestLayer::new(move |mut request: Request<Body>| {
        if request.extensions().get::<OnWait>().is_none() {
            request.extensions_mut().insert(on_wait.clone());
        }
        request
    })
}

/// What a stack is before it is erased.
pub(crate) trait Stack:
    Service<Request<Body>, Response = Response<Body>, Error = Error, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Stack for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Error, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}
