use std::sync::Arc;

use tower::Layer;

use super::health::Health;
use super::{Mirror, Mirrors};

/// Sends requests to mirrors; see the [module](super). All services of one layer share what they learn about which
/// servers cannot be reached.
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
