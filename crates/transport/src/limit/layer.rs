use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tower::Layer;

use crate::origin::Origin;

use super::host::Host;
use super::{Limit, LimitOptions};

/// Limits what is asked of each host; see the [module](super). All services of one layer share their limits.
#[derive(Clone, Debug, Default)]
pub struct LimitLayer {
    hosts: Hosts,
}

/// The hosts that were asked something. They are few, and are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    options: LimitOptions,
    known: Mutex<HashMap<Origin, Arc<Host>>>,
}

/// When more hosts are known than this, those that nobody talks to are forgotten.
const MANY: usize = 1024;

impl LimitLayer {
    /// Limits requests as `options` say.
    #[must_use]
    pub fn new(options: LimitOptions) -> Self {
        let known = Mutex::default();
        Self {
            hosts: Hosts(Arc::new(Shared { options, known })),
        }
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limit<S>;

    fn layer(&self, inner: S) -> Limit<S> {
        Limit {
            inner,
            hosts: self.hosts.clone(),
        }
    }
}

impl Hosts {
    pub(super) fn of(&self, origin: Origin) -> Arc<Host> {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = known.get(&origin) {
            return Arc::clone(host);
        }
        if known.len() >= MANY {
            known.retain(|_, host| Arc::strong_count(host) > 1);
        }
        let host = Arc::new(Host::new(origin.clone(), self.0.options.of(&origin)));
        known.insert(origin, Arc::clone(&host));
        host
    }
}
