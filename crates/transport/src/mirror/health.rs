//! Which servers had better be asked last.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wharf_name::Registry;

/// By registry: until when others are asked before it. There are as many as there are endpoints in the rules.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<HashMap<String, Instant>>);

impl Health {
    pub(super) fn is_cooling(&self, registry: &Registry) -> bool {
        let until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until
            .get(registry.as_str())
            .is_some_and(|until| *until > Instant::now())
    }

    pub(super) fn failed(&self, registry: &Registry, cool_down: Duration) {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.insert(registry.as_str().to_owned(), Instant::now() + cool_down);
    }

    pub(super) fn answered(&self, registry: &Registry) {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.remove(registry.as_str());
    }
}
