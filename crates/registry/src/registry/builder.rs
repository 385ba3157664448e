//! Building a registry.

use std::sync::Arc;

use crate::auth::Authentication;
use crate::hook::{Faults, Profile, RequestLog};
use crate::options::Options;
use crate::store::{MemoryStore, Store};

use super::{Inner, Registry};

/// Builds a [`Registry`].
#[derive(Debug, Default)]
pub struct RegistryBuilder {
    store: Option<Arc<dyn Store>>,
    options: Options,
    authentication: Option<Authentication>,
    profile: Profile,
    log: RequestLog,
}

impl RegistryBuilder {
    /// Where the content is kept. Default: a new [`MemoryStore`].
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// What is allowed. Default: [`Options::default`].
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Who is let in. Default: everybody.
    #[must_use]
    pub fn authentication(mut self, authentication: impl Into<Authentication>) -> Self {
        self.authentication = Some(authentication.into());
        self
    }

    /// Which features are there, to play an older registry. Default: all.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Records every request in [`Registry::log`].
    #[must_use]
    pub fn record(mut self) -> Self {
        self.log = RequestLog::recording();
        self
    }

    /// The registry.
    #[must_use]
    pub fn build(self) -> Registry {
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        Registry(Arc::new(Inner {
            store,
            options: self.options,
            authentication: self.authentication,
            profile: self.profile,
            faults: Faults::default(),
            log: self.log,
        }))
    }
}
