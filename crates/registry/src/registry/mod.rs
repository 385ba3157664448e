//! The registry: a service that answers requests from a store.

mod builder;
mod service;

use std::fmt;
use std::sync::Arc;

use crate::auth::Authentication;
use crate::hook::{Faults, Profile, RequestLog};
use crate::options::Options;
use crate::store::Store;

pub use builder::RegistryBuilder;

/// A registry: a [`tower::Service`] from requests to responses. Clones share everything.
///
/// It must run inside a tokio runtime. It never fails: whatever goes wrong is a response. Mount it at
/// the root of a server, since the paths of the API begin with `/v2/`.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

/// What the clones of a registry share.
pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: Options,
    pub(crate) authentication: Option<Authentication>,
    pub(crate) profile: Profile,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
}

impl Registry {
    /// Begins to build a registry. Without further ado it keeps its content in memory, lets everybody
    /// do everything, and records nothing.
    #[must_use]
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// A registry in memory that records its requests, as most tests want it.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::builder().record().build()
    }

    /// Where the content is.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The requests so far. Empty unless the registry was built with [`RegistryBuilder::record`].
    #[must_use]
    pub fn log(&self) -> &RequestLog {
        &self.0.log
    }

    /// The faults that requests meet. They can be added to while the registry runs.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// How many tokens were handed out at `/token`. 0 without
    /// [`Authentication::Bearer`](crate::auth::Authentication::Bearer).
    #[must_use]
    pub fn token_exchanges(&self) -> u64 {
        match &self.0.authentication {
            Some(Authentication::Bearer(bearer)) => bearer.exchanges(),
            _ => 0,
        }
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("store", &self.0.store)
            .field("options", &self.0.options)
            .field("authentication", &self.0.authentication)
            .field("profile", &self.0.profile)
            .finish_non_exhaustive()
    }
}
