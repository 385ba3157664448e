//! The order of the layers.

use http::{Request, Response};
use tower::{Service, ServiceBuilder};

use crate::check::CheckLayer;
use crate::user_agent::UserAgentLayer;
use crate::{Body, Error, Transport};

/// The default stack, from the outside to the bottom.
pub(crate) fn stack(
    bottom: Transport,
    user_agent: UserAgentLayer,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Error, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static {
    ServiceBuilder::new()
        .layer(CheckLayer::new())
        .layer(user_agent)
        .service(bottom)
}
